# SPDX-License-Identifier: MIT
"""The manual pages and bash's completion against the sources' tables and the command itself: nothing is missing, nothing is
there that does not exist, and the examples do what they say."""
import os
import pathlib
import re
import shlex
import subprocess

import pytest

from cell import PASSWORD, USER
from client import COMMAND, LIMIT_S
from conftest import TOP, run

PAGES = TOP / "port/install"
PAGE, CONF = ((PAGES / name).read_text() for name in ("mailmote.8", "mailmote.conf.5"))
HOST = TOP / "boards/host"
SPOOL = pathlib.Path("/var/spool/mailmote")
COMMANDS = "send", "flush", "queue", "trust", "probe"


@pytest.fixture(autouse=True)
def own_spool(tmp_path_factory, monkeypatch):
    """The machine's is left alone: what names no configuration has this one."""
    path = tmp_path_factory.mktemp("own")
    (path / "conf").write_text(f"spool {path}/spool\n")
    monkeypatch.setenv("MAILMOTE_CONF", str(path / "conf"))
    there = SPOOL.exists()
    yield
    assert there or not SPOOL.exists()


def options():
    """of send, flush and queue, as args.c has them in its table, but those that are there to be refused; those of trust and probe"""
    table = set(re.findall(r'^ +\{"([a-z][a-z-]+)",(?!.*SECRET)', (HOST / "args.c").read_text(), re.M))
    assert len(table) > 20
    others = {name for file in ("probe.c", "trust.c", "dane/probe_mx.c") for name in re.findall(r'"--([a-z][a-z-]*)"', (HOST / file).read_text())}
    assert others > {"json", "probe"}
    return table | others


def items(page, what):
    """the names of a page's list items"""
    return {name for line in re.findall(r"^\.It (.*)", page, re.M) for name in re.findall(what, line)}


def test_lint():
    """but for the two naming each other, where they are not installed yet"""
    said = subprocess.run(["mandoc", "-T", "lint", PAGES / "mailmote.8", PAGES / "mailmote.conf.5"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S).stdout
    assert re.sub(r".*referenced manual not found: Xr mailmote(\.conf 5| 8).*\n", "", said) == ""


def test_options():
    """each option of the table and of --help is an item of the manual, and the other way round"""
    helped = {name for words in (["--help"], *([word, "--help"] for word in COMMANDS))
              for name in re.findall(r"(?<![\w-])--([a-z][a-z-]*)", run(COMMAND, *words))}
    told = items(PAGE, r"Fl -([a-z-]+)")
    assert options() - told == set() and helped - told == set()
    assert told - options() == {"version"}
    assert told - helped == {"config", "verbose"}    # whose short forms are


def words(form):
    """of the configuration's table"""
    return set(re.findall(rf'^ +\{{"([a-z0-9_-]+)", \w+, FORM_{form},', (HOST / "config_words.c").read_text(), re.M))


def test_keys():
    """each key a configuration may have is an item, or among those that are ignored"""
    assert len(words(r"\w+")) > 40 and words("IGNORED")
    ignored = set(re.findall(r"[a-z][a-z_0-9]+", re.search(r"a warning says why:\n((?:\.Cm .*\n)+)", CONF)[1]))
    assert ignored == words("IGNORED")
    assert items(CONF, r"^Cm ([a-z][a-z0-9_-]*)") == words(r"\w+") - ignored


def test_values(tmp_path):
    """where an item of the configuration lists values, each of them may stand there"""
    found = re.findall(r"^\.It Cm ([a-z_-]+) ((?:Cm )?[a-z0-9]+(?: \|.*)?)$", CONF, re.M)
    lists = [(key, value.strip()) for key, values in found for value in values.replace("Ar facility", "LOG_LOCAL3").split("|")]
    lists = [(key, value.removeprefix("Cm ")) for key, value in lists if not value.startswith("Ar ")]
    (tmp_path / "none").mkdir(0o700)
    assert len(lists) > 20 and len({key for key, _ in lists}) > 8
    for key, value in lists:
        (tmp_path / "conf").write_text(f"host relay.example\nuser a\npassword-file /b\n{key} {value}\n" if (key, value) != ("tls", "off")
                                       else "host relay.example\ntls off\n")
        assert run(COMMAND, "queue", "-C", tmp_path / "conf", "--spool", tmp_path / "none") == "", f"{key} {value}"
        (tmp_path / "conf").write_text(f"host relay.example\n{key} {value}x\n")
        run(COMMAND, "queue", "-C", tmp_path / "conf", "--spool", tmp_path / "none", status=78)


@pytest.mark.parametrize("name, title", [("sendmail", "Called as sendmail, mailq or newaliases"), ("mailx", "Called as mail or mailx")])
def test_letters(name, title):
    """those that mean something to sendmail and to mail, and those that are refused"""
    source = (HOST / f"{name}.c").read_text()
    known = set(re.findall(r"^    case '(\w)':", source[source.index("\nstatic int take(struct call"):], re.M))
    section = re.search(rf"^\.Ss {title}\n(.*?)^\.S[sh] ", PAGE, re.M | re.S)[1]
    told = items(section, r"Fl (\w)") | set(re.findall(r"\b(\w)\b", " ".join(re.findall(r"^\.Fl (.*)", section, re.M))))
    assert known == told


def test_statuses():
    """those of --help"""
    assert items(PAGE, r"^(\d+)$") == set(re.findall(r"^  (\d+) ", run(COMMAND, "--help"), re.M))


def examples(page):
    section = page[page.index("\n.Sh EXAMPLES"):]
    return [code.replace("\\e", "\\") for code in re.findall(r"^\.Bd .*\n((?:.*\n)*?)\.Ed", section, re.M)]


def test_examples(server, tmp_path):
    """in place of the reader's relay, login, files and domain are the test's"""
    relay, pki = server
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    login, kept = examples(PAGE)
    lines, root = examples(CONF)
    here = [("mail.example.com", f"localhost:{relay.ports['starttls']} --trust {pki.ca}"), ("--user sensor", f"--user {USER}"),
            ("/etc/mailmote.password", str(secret)), ("@example.com", "@example.test"),
            ("/etc/mailmote.conf", str(tmp_path / "conf")), ("/var/spool/mailmote", str(tmp_path / "spool"))]
    conf = [("relay mail.example.com", f"relay localhost:{relay.ports['starttls']} trust={pki.ca}"), ("user=sensor", f"user={USER}"),
            ("backup.example.com:2525", "localhost:1"), ("/etc/backup-ca.pem", str(pki.ca)), *here[2:]]

    def mine(text, words):
        for old, new in words:
            text = text.replace(old, new)
        return text

    def shell(text):
        done = subprocess.run(["bash", "-ec", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S,
                              env={**os.environ, "PATH": f"{os.path.dirname(COMMAND)}:/usr/bin:/bin"})
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    (tmp_path / "conf").write_text(mine(root, [("host mail.example.com", f"host localhost\nport {relay.ports['starttls']}\ntrust {pki.ca}"),
                                               ("user sensor", f"user {USER}"), *here[2:]])
                                   + f"spool {tmp_path}/spool\n")
    shell(f"printf 'Subject: for-root\n\nText\n' | mailmote sendmail -C {tmp_path}/conf -D -t -f cron root")
    mail = relay.wait_for_mail("for-root")
    assert (mail.sender, mail.recipients) == ("sensor@example.test", ["operator@example.test"])
    (tmp_path / "conf").write_text(mine(lines, conf))
    assert re.fullmatch(r"\S+\toperator@example\.test\tdelivered\t250\t.+\n", shell(mine(login, here)))
    assert re.fullmatch(r"\S+\toperator@example\.test\tdelivered\t250\t.+\n", shell(mine(kept, here)))


def test_example_of_a_configuration(server, tmp_path):
    """the file that is installed beside the README: whoever has put in his relay can send"""
    relay, pki = server
    text = (PAGES / "mailmote.conf").read_text()
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    for old, new in (("relay mail.example.com", f"relay localhost:{relay.ports['starttls']} trust={pki.ca}"), ("user=sensor", f"user={USER}"),
                     ("/etc/mailmote.password\n\n", f"{tmp_path}/password\n\n"), ("/var/spool", str(tmp_path))):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "conf").write_text(text)
    done = subprocess.run([COMMAND, "send", "-C", tmp_path / "conf", "operator@example.test"], input=b"Text\n", timeout=LIMIT_S, stdout=subprocess.PIPE)
    assert b"\tdelivered\t" in done.stdout


# ---- bash ----------------------------------------------------------------------------------------------------------

def complete(*words, cwd=TOP, **environment):
    """what bash has to offer for the last word"""
    script = f"""
        . {PAGES}/completion.bash
        compopt() {{ :; }}
        COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}
        $(complete -p mailmote | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    return set(run("bash", "-c", script, cwd=cwd, **environment).split())


def test_completes_commands():
    assert complete("mailmote", "") == {*COMMANDS, "--help", "--version"}
    assert complete("mailmote", "f") == {"flush"}


def asked(*words):
    return subprocess.run([COMMAND, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_completes_options(command):
    """those that the command takes, and no others"""
    offered = {word.removeprefix("--") for word in complete("mailmote", command, "-") if word.startswith("--")}
    assert offered <= options()
    for name in options():
        said = asked(command, f"--{name}")
        if "needs a value" in said:
            said = asked(command, f"--{name}", "x")
        refused = re.search(r"does not take|unknown option|is unknown,", said)
        assert (name in offered) != bool(refused), f"{command} --{name}: {said}"


def test_completes_values(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "spool").mkdir()
    assert complete("mailmote", "send", "--trust", "c", cwd=tmp_path) == {"ca.pem"}
    assert complete("mailmote", "flush", "--spool", "", cwd=tmp_path) == {"spool"}
    assert complete("mailmote", "send", "--tls", "i") == {"implicit"}
    assert complete("mailmote", "trust", "", cwd=tmp_path) == {"ca.pem", "spool"}
    assert complete("mailmote", "trust", "--probe", "-") == complete("mailmote", "probe", "-") - {"--json", "--mx"} | {"--pin"}
    assert complete("mailmote", "probe", "--mx", "-") == {"--config", "--account", "--dnssec-anchor", "--help"}


def test_loads_by_itself(installed):
    """bash-completion finds it by the command's name"""
    said = run("bash", "-c", ". /usr/share/bash-completion/bash_completion; _completion_loader mailmote; complete -p mailmote",
               XDG_DATA_DIRS=str(installed / "usr/share"), BASH_COMPLETION_USER_DIR="/nonexistent")
    assert said == "complete -F _mailmote mailmote\n"
