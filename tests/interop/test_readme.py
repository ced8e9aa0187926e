# SPDX-License-Identifier: MIT
"""What README.md and the other documents show is true: the example compiles and verifies a server, the command line
sends a mail, every target named exists. (`make size` compares the footprint itself.)"""
import email
import os
import pathlib
import re
import subprocess

import pytest
from _pytest.mark import KeywordMatcher
from _pytest.mark.expression import Expression

from cell import BUILD, PASSWORD, USER
from client import COMMAND, LIMIT_S
from conftest import expression
from mta import Machine
from relay import Relay

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(p for p in ROOT.glob("**/*.md") if not {".deps", "build"} & set(p.relative_to(ROOT).parts))


def block(language, containing):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    found = [code for kind, code in blocks if kind == language and containing in code]
    assert len(found) == 1, f"{len(found)} blocks of {language!r} with {containing!r} in README.md"
    return found[0]


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, cwd=ROOT,
                          **options)


def test_command(aiosmtpd, mailmote, pki):
    """the shell example, with the test's server and login in place of the reader's"""
    port, secret = aiosmtpd.ports["starttls"], mailmote.file("readme-password", PASSWORD)
    example = block("sh", "--password-file").replace("mail.example.com", f"localhost:{port} --trust {pki.ca}")
    example = example.replace("--user sensor", f"--user {USER}").replace("/etc/mailmote.password", secret)
    example = example.replace("@example.com", "@example.test")
    env = {**os.environ, "PATH": f"{pathlib.Path(COMMAND).parent}:/usr/bin:/bin"}
    result = run("bash", "-c", example, env=env)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"\S+\toperator@example\.test\tdelivered\t250\t.+\n", result.stdout)
    assert aiosmtpd.wait_for_mail("Boiler at 92 degrees")


def test_attachments(aiosmtpd, mailmote, pki, scratch):
    """the files of the example arrive"""
    config = scratch / "attach.conf"
    config.write_text(f"from sensor@example.test\nrelay localhost:{aiosmtpd.ports['starttls']} trust={pki.ca}\n")
    files = {"camera.jpg": b"\xff\xd8\xff", "events.log": b"1,2\n", "report.html": b"<p>3</p>\n"}
    for name, octets in files.items():
        (scratch / name).write_bytes(octets)
    example = block("sh", "--attach").replace("/etc/mailmote.conf", str(config)).replace("@example.com", "@example.test")
    env = {**os.environ, "PATH": f"{pathlib.Path(COMMAND).parent}:/usr/bin:/bin"}
    result = run("bash", "-c", f"cd {scratch} && {example}", env=env)
    assert result.returncode == 0, result.stderr
    mail = email.message_from_bytes(aiosmtpd.wait_for_mail("Camera 3").content)
    assert mail["Importance"] == "high" and mail["Cc"] == "guard@example.test"
    assert {part.get_filename(): part.get_payload(decode=True) for part in mail.walk() if part.get_filename()} == {
        name: files[name] for name in ("camera.jpg", "events.log")}
    assert [part.get_content_type() for part in mail.walk()][1:4] == ["multipart/alternative", "text/plain", "text/html"]


def test_parts(scratch):
    """the function of the example makes a message with the picture"""
    source, program = scratch / "parts.c", scratch / "parts"
    source.write_text("#include <stdio.h>\n#include <string.h>\n" + block("c", "mote_message_parts") + """
size_t read_picture(void *ctx, size_t offset, void *buf, size_t cap)
{
    (void)ctx;
    memset(buf, 7, cap);
    return offset < 1000 ? cap : 0;
}

int main(void)
{
    static char text[8192];
    struct mote_part part;
    struct mote_message message = {.from = "a@example.test", .id = "1@example.test", .text = "Hall 3\\n"};

    with_picture(&message, &part, 1000);
    fwrite(text, 1, mote_message_read(&message, 0, text, sizeof text), stdout);
    return 0;
}
""")
    built = run(*os.environ["CC"].split(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-Iinclude", str(source), str(BUILD / "libmailmote.a"),
                "-o", str(program))
    assert built.returncode == 0, built.stderr
    mail = email.message_from_string(run(str(program)).stdout)
    assert [part.get_payload(decode=True) for part in mail.get_payload()] == [b"Hall 3\n", b"\7" * 1000]
    assert mail["From"].startswith('"Camera 3"') and mail.get_payload()[1].get_filename() == "hall.jpg"


def test_spool(aiosmtpd, mailmote, pki, scratch):
    """the spool's three commands, with the configuration file shown: the first relay is down, so the second is asked"""
    config, spool = scratch / "readme.conf", scratch / "readme-spool"
    lines = block("", "relay mail.example.com").replace("mail.example.com", "localhost:1 tls-name=localhost")
    lines = lines.replace("backup.example.com:2525", f"localhost:{aiosmtpd.ports['starttls']}")
    lines = lines.replace("/etc/backup-ca.pem", str(pki.ca)).replace("@example.com", "@example.test")
    lines = lines.replace("user=sensor password-file=/etc/mailmote.password", f"trust={pki.ca}")
    config.write_text(lines)
    example = block("sh", "mailmote flush").replace("/var/spool/mailmote", str(spool))
    example = example.replace("/etc/mailmote.conf", str(config)).replace("@example.com", "@example.test")
    env = {**os.environ, "PATH": f"{pathlib.Path(COMMAND).parent}:/usr/bin:/bin"}
    result = run("bash", "-e", "-c", example, env=env)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"[0-9a-f]{16}\toperator@example\.test\tdelivered\t250\t.+\n", result.stdout)


def test_called(mailmote, scratch):
    """as sendmail and mail"""
    relay, config = Relay(), scratch / "readme-called.conf"
    config.write_text(f"relay {relay.where}\nspool {scratch}/readme-called\nfrom box@example.test\nalias root: ops@example.test\n")
    example = block("sh", "mailmote sendmail").replace("/var/log/dpkg.log", str(config))
    env = {**os.environ, "PATH": f"{pathlib.Path(COMMAND).parent}:/usr/bin:/bin", "MAILMOTE_CONF": str(config)}
    result = run("bash", "-e", "-c", example, env=env)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    Machine.wait(lambda: len(relay.mails) == 2)
    mails = sorted(relay.mails, key=lambda mail: mail.to)
    assert [mail.to for mail in mails] == [["ops@example.com"], ["ops@example.test"]]
    assert b"filename=\"readme-called.conf\"" in mails[0].text and b"Subject: disk\r\n" in mails[1].text
    relay.stop()


def test_msmtprc(aiosmtpd, mailmote, pki, scratch):
    """the configuration in an msmtprc's words; `tls on' without a trust file is what test_config_msmtp.py has"""
    config, secret = scratch / "readme-msmtprc", mailmote.file("readme-password", PASSWORD + "\n")
    lines = block("", "passwordeval")
    for old, new in (("mail.example.com", f"localhost\ntls_trust_file {pki.ca}"), ("587", aiosmtpd.ports["starttls"]),
                     ("user sensor", f"user {USER}"), ("/etc/mailmote.password", secret), ("@example.com", "@example.test")):
        assert old in lines
        lines = lines.replace(old, str(new))
    config.write_text(lines)
    config.chmod(0o600)
    result = run(COMMAND, "send", "--subject", "msmtprc", "root", input="x\n", env={**os.environ, "MAILMOTE_CONF": str(config)})
    assert result.returncode == 0, result.stderr
    assert "\toperator@example.test\tdelivered\t" in result.stdout
    assert aiosmtpd.wait_for_mail("msmtprc").sender == "sensor@example.test"


def test_example(aiosmtpd, pki, scratch):
    """the C example, compiled as README.md says; the server, the login and the CA are the test's"""
    example = block("c", "int main")
    assert len(example.splitlines()) <= 27, "the example is to be read at a glance"
    for old, new in (("/etc/ssl/certs/ca-certificates.crt", pki.ca), ("mail.example.com", "localhost"),
                     (".login =", f".port = {aiosmtpd.ports['starttls']}, .login ="), ('"sensor"', f'"{USER}"'),
                     ('"secret"', f'"{PASSWORD}"'), ("@example.com", "@example.test"), ("degrees", "degrees C")):
        assert old in example, f"{old} is not in the example any more"
        example = example.replace(old, str(new))
    command = re.search(r"`cc example\.c (.*?)`", README)[1].replace("build/libmailmote.a", str(BUILD / "libmailmote.a"))
    words = command.replace("build/libbearssl.a", os.environ["BEARSSL_LIB"]).split()
    warnings = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]

    def compiled_and_run(text):
        source, program = scratch / "example.c", scratch / "example"
        source.write_text(text)
        built = run(*os.environ["CC"].split(), *warnings, "-isystem", os.environ["BEARSSL_INC"], str(source), *words, "-o",
                    str(program))
        assert built.returncode == 0, built.stderr
        return run(str(program))

    result = compiled_and_run(example)
    assert (result.returncode, result.stdout) == (0, "delivered: no trouble\n"), result.stderr
    mail = aiosmtpd.wait_for_mail("Boiler at 92 degrees C")
    assert re.search(rb"^Date: \w{3}, \d+ \w{3} 20\d\d ", mail.content, re.M)
    result = compiled_and_run(example.replace("Too hot", "Too\\nhot"))
    assert (result.returncode, result.stdout) == (78, "") and result.stderr == "Subject is wrong\n"


def test_lwip_example():
    """its length, blank lines not counted; `make lwip-check` compiles it and runs it (tests/lwip/example.c)"""
    lines = [line for line in block("c", "mailmote_lwip.h").splitlines() if line.strip()]
    assert len(lines) <= 28, "an alert takes a few lines"
    assert "It is 28\nlines, comments among them." in README and len(lines) == 28


@pytest.mark.parametrize("number, words", [("4, 1, 256", None), ("256, 1, 256", "slots_1_to_255"), ("0, 1, 256", "slots_1_to_255"),
                                           ("4, 256, 256", "cell_blocks_1_to_255"), ("4, 1, 65536", "envelope_octets_1_to_65535")])
def test_outbox_sizes(scratch, number, words):
    """the example's macro refuses, by name, what its setup cannot hold"""
    source = scratch / "outbox.c"
    source.write_text("#include <mailmote_outbox.h>\nstatic struct mote_relay relays[2];\n"
                      f"MOTE_OUTBOX(alerts, relays, NULL, {number}, 837);\nstruct mote_outbox *use(void);\n"
                      "struct mote_outbox *use(void) { return alerts_setup.slot_count ? &alerts : NULL; }\n")
    built = run(*os.environ["CC"].split(), "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-isystem",
                os.environ["BEARSSL_INC"], "-fsyntax-only", str(source))
    assert (built.returncode == 0) == (words is None), built.stderr
    assert words is None or f"alerts_{words}" in built.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_targets(document):
    """every make target a document names exists"""
    targets = set(re.findall(r"^  make ([a-z-]+) ", run("make", "help").stdout, re.M))
    targets |= {f"firmware-{path.parent.name}" for path in ROOT.glob("boards/*/board.mk")}
    targets |= set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", document.read_text(), re.M))
    assert named <= targets, f"{document}: no such target: {named - targets}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links(document):
    """every file a document points to exists"""
    for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / link).exists(), f"{document}: {link} does not exist"


def test_what_failed_runs_again(request):
    """the words that are told of a test that failed choose it, whatever is in its name"""
    for item in request.session.items:
        words = expression(item.nodeid)
        assert Expression.compile(words).evaluate(KeywordMatcher.from_item(item)) and words.startswith(f"{item.path.name} and {item.originalname}")
