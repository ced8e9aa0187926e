# SPDX-License-Identifier: MIT
"""`mailmote trust`: a header of anchors that is what the port reads from the same file, and verifies a server; pins as openssl
computes them; and what is said of files that cannot be used."""
import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from cell import BUILD
from client import BAD_INPUT, LIMIT_S, OK
from forge import Forge
from relay import COMMAND, SANITIZED

HERE = pathlib.Path(__file__).parent
USAGE, NO_INPUT, IO_ERROR = 64, 66, 74
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
STRICT = """-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual
            -Wwrite-strings -Wvla -Werror""".split()


def trust(*words):
    return subprocess.run([COMMAND, "trust", *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S)


def openssl(*words, text=b""):
    return subprocess.run(["openssl", *map(str, words)], input=text, check=True, capture_output=True, timeout=LIMIT_S).stdout


def make_ca(directory, name, *key, subject=None):
    openssl("req", "-x509", "-nodes", "-newkey", *key, "-keyout", directory / f"{name}.key", "-days", 100, "-utf8",
            "-out", directory / f"{name}.pem", "-subj", subject or f"/C=DE/O=Mote/CN=The {name} root",
            "-addext", "basicConstraints=critical,CA:TRUE")
    return (directory / f"{name}.pem").read_text()


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """three roots with all kinds of keys, as one file"""
    directory = tmp_path_factory.mktemp("roots")
    kinds = {"RSA": ["rsa:3072"], "P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]}
    file = directory / "roots.pem"
    file.write_text("".join(make_ca(directory, name, *key) for name, key in kinds.items()))
    return file


def build(directory, header, cc=None):
    (directory / "trust_anchors.h").write_text(header)
    command = [*(cc or os.environ.get("CC", "cc")).split(), *STRICT, f"-I{directory}", f"-I{HERE.parents[1]}/include",
               "-isystem", os.environ["BEARSSL_INC"], HERE / "header.c", BUILD / "libmailmote.a",
               *os.environ["BEARSSL_LIB"].split(), "-o", directory / "header"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return directory / "header"


def run(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout


def test_same_as_the_port_reads(roots, tmp_path):
    made = trust(roots)
    assert (made.returncode, made.stderr) == (OK, "")
    assert run(build(tmp_path, made.stdout), roots) == (0, "")
    assert trust(roots).stdout == made.stdout


def test_without_warnings_from_clang(roots, tmp_path):
    if SANITIZED or shutil.which("clang") is None:
        pytest.skip("there is no clang, or it compiles all of this")
    build(tmp_path, trust(roots).stdout, "clang")


def test_files_put_together_in_a_hurry(roots, tmp_path):
    """ends of line as DOS has them, words between, one missing, and one certificate twice"""
    text = roots.read_text()
    ugly = tmp_path / "ugly.pem"
    ugly.write_bytes(("some words\n" + text.rstrip("\n") + text.replace("\n", "\r\n")).encode())
    assert trust(ugly).stdout == trust(roots).stdout == trust(roots, roots).stdout


@pytest.mark.parametrize("dashes", range(6))
def test_a_file_that_ends_within_the_last_dashes(roots, tmp_path, dashes):
    """its end is that of its line"""
    cut = tmp_path / "cut.pem"
    cut.write_text(roots.read_text().rstrip("-\n") + "-" * dashes)
    assert trust(cut).stdout == trust(roots).stdout


def test_verifies_a_server(aiosmtpd, pki, tmp_path):
    port = aiosmtpd.ports["starttls"]
    both = "".join((pki.dir / f"{name}.pem").read_text() for name in ("otherca", "ca"))
    (tmp_path / "both.pem").write_text(both)
    program = build(tmp_path, trust(tmp_path / "both.pem").stdout)
    assert run(program, tmp_path / "both.pem", port) == (0, "delivered: no trouble\n")
    program = build(tmp_path, trust(pki.dir / "otherca.pem").stdout)
    status, said = run(program, pki.dir / "otherca.pem", port)
    assert status == 75 and "comes from no trusted CA" in said


def test_all_of_the_system(tmp_path):
    made = trust(SYSTEM)
    assert made.returncode == OK and made.stdout.count("octets of flash") > 50
    build(tmp_path, made.stdout)


def test_what_the_comment_tells(roots):
    certificate = openssl("x509", "-in", roots, "-outform", "DER")
    until = openssl("x509", "-in", roots, "-noout", "-enddate", "-dateopt", "iso_8601").decode()
    comment = trust(roots).stdout.split("/*")[2].split("*/")[0]
    assert comment.startswith(" 0: C=DE, O=Mote, CN=The RSA root\n * RSA 3072, a CA, ")
    assert re.search(r"expires (.*) UTC\n", comment)[1] == until.split("=")[1].strip().rstrip("Z")
    assert hashlib.sha256(certificate).hexdigest() in comment


def test_lines_of_octets(roots):
    """a few in each, in lines that a person may read: they begin below each other, and no line ends with a space or begins anew early"""
    for words, indent in ([roots], 4), (["--pin", roots], 8):
        arrays = re.findall(r"(?:^ *0x.*\n)+", trust(*words).stdout, re.M)
        assert len(arrays) > 2
        for array in arrays:
            *lines, last = array.splitlines()
            assert all(re.fullmatch(f" {{{indent}}}(0x.., ){{18}}0x..,", line) for line in lines), array
            assert re.fullmatch(f" {{{indent}}}(0x.., ){{0,18}}0x..", last), array


def test_octets_of_flash(roots, tmp_path):
    """as the linker counts them for a Cortex-M"""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("there is no arm-none-eabi-gcc")
    header = trust(roots).stdout
    (tmp_path / "anchors.c").write_text(header + "const void *use(void); const void *use(void) { return trust_anchors; }\n")
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-Os", "-isystem", os.environ["BEARSSL_INC"], "-c",
                    tmp_path / "anchors.c", "-o", tmp_path / "anchors.o"], check=True, timeout=LIMIT_S)
    sizes = subprocess.run(["arm-none-eabi-size", "-A", tmp_path / "anchors.o"], capture_output=True, text=True, timeout=LIMIT_S)
    rodata = sum(int(size) for size in re.findall(r"^\.rodata\S* +(\d+)", sizes.stdout, re.M))
    told = sum(int(octets) for octets in re.findall(r"(\d+) octets of flash", header))
    assert told <= rodata <= told + 3 * 8            # what the compiler aligns
    assert re.search(r"^\.data +0 ", sizes.stdout, re.M)


def test_pins(roots, pki, tmp_path):
    files = [pki.dir / "rsa.pem", pki.dir / "ecdsa.pem", roots]
    (tmp_path / "three.pem").write_text(roots.read_text())
    made = trust("--pin", *files)
    assert (made.returncode, made.stderr) == (OK, "")
    assert pki.pin("rsa") in made.stdout and pki.pin("ecdsa") in made.stdout
    told = [base64.b64decode(pin) for pin in re.findall(r"sha256:(\S+) ", made.stdout)]
    code = re.sub(r"/\*.*?\*/", "", made.stdout, flags=re.S)                         # a pin's base64 may hold "0x"
    arrays = [bytes(int(octet, 16) for octet in re.findall(r"0x(..)", block)) for block in code.split("    {\n")[1:]]
    assert len(told) == 5 and arrays == told
    (tmp_path / "pins.c").write_text(made.stdout + "const uint8_t *use(void); const uint8_t *use(void) { return trust_pins[0]; }\n")
    run_cc = subprocess.run([*os.environ.get("CC", "cc").split(), *STRICT, "-c", tmp_path / "pins.c", "-o", tmp_path / "pins.o"],
                            capture_output=True, text=True, timeout=LIMIT_S)
    assert (run_cc.returncode, run_cc.stderr) == (0, "")


def test_a_subject_that_would_be_code(tmp_path):
    make_ca(tmp_path, "bad", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", subject="/CN=*\\/ int evil; \\/* \x1b[31m ü ?\\?\\/")
    made = trust(tmp_path / "bad.pem")
    assert made.returncode == OK and made.stdout.replace("\n", "").isprintable() and "ü" in made.stdout
    assert made.stdout.count("/*") == made.stdout.count("*/") and "/* \\x1B" not in made.stdout
    build(tmp_path, made.stdout)


def test_each_part_of_a_subject(tmp_path):
    """by its short name, or by the octets of its number, of which eighteen are shown"""
    config = tmp_path / "openssl.cnf"
    config.write_text("oid_section = oids\n[oids]\nlong = 1.3.6.1.4.1" + ".99999999" * 4 + "\n[req]\ndistinguished_name = name\n[name]\n")
    openssl("req", "-x509", "-config", config, "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "/dev/null", "-out", tmp_path / "all.pem",
            "-subj", "/C=DE/businessCategory=b/jurisdictionC=DE/long=x/ST=s/L=l/O=o/OU=u/DC=d/emailAddress=e@x.test/CN=a+CN=b")
    long = "2b06010401" + "afd7c17f" * 3 + "af"
    assert (f"/* 0: C=DE, 55040f=b, 2b0601040182373c020103=DE, {long}=x, ST=s, L=l, O=o, OU=u, DC=d, emailAddress=e@x.test, CN=a, CN=b\n"
            in trust(tmp_path / "all.pem").stdout)


@pytest.mark.parametrize("lens, shown", [((500,), (396,)), ((340, 100), (340, 51)), ((346, 100), (346, 45)), ((347, 100), (347,)),
                                         ((100, 200, 300), (100, 200, 86))])
def test_a_subject_that_is_too_long(tmp_path, lens, shown):
    """is cut, whichever of its parts it is that has no room"""
    subject = [f"/DC={letter * len}" for letter, len in zip("abc", lens)]
    make_ca(tmp_path, "long", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", subject="".join(subject))
    said = trust(tmp_path / "long.pem").stdout
    assert "/* 0: " + ", ".join(f"DC={letter * len}" for letter, len in zip("abc", shown)) + "\n" in said, said[:600]


def damaged(text):
    lines = text.splitlines(keepends=True)
    return {
        "cut": ("".join(lines[:-3]), r":1: this certificate has no END"),
        "cut in BEGIN": (lines[0].rstrip("-\n") + "-", r":1: this certificate has no END"),
        "no base64": ("words\n" + "".join([*lines[:2], "ab*d\n", *lines[2:]]), r":4: this certificate goes on with what is no base64"),
        "two begins": ("".join([*lines[:3], *lines]), r":4: this certificate goes on"),
        "damaged": ("\n\n" + "".join([lines[0], "AAAA", lines[1][4:], *lines[2:]]), r":3: this certificate is damaged"),
        "short": ("".join([*lines[:2], *lines[-1:]]), r":1: this certificate is damaged"),
        "empty": ("", r" holds no certificate: give a PEM file"),
        "a key": ("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n", r" holds no certificate"),
    }


@pytest.mark.parametrize("kind", damaged("-\n" * 9))
def test_damaged(kind, pki, tmp_path):
    text, reason = damaged((pki.dir / "ca.pem").read_text())[kind]
    file = tmp_path / "file.pem"
    file.write_text(text)
    made = trust(file)
    assert made.returncode == BAD_INPUT and made.stdout == ""
    assert re.fullmatch(f"mailmote: {re.escape(str(file))}{reason}.*\n", made.stderr), made.stderr


@pytest.mark.parametrize("key", [["ed25519"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]])
def test_a_key_of_no_use(key, tmp_path):
    make_ca(tmp_path, "odd", *key)
    made = trust(tmp_path / "odd.pem")
    assert (made.returncode, made.stdout) == (BAD_INPUT, "")
    assert "the key of C=DE, O=Mote, CN=The odd root is neither RSA nor on P-256 or P-384: leave" in made.stderr


def test_expired(pki):
    made = trust("--pin", pki.dir / "expired.pem")
    assert made.returncode == OK and "warning: CN=mailmote test leaf has expired at " in made.stderr


@pytest.mark.parametrize("date, shown", [
    ("491231235959Z", "2049-12-31 23:59:59"), ("500102030405Z", "1950-01-02 03:04:05"), ("991231235959Z", "1999-12-31 23:59:59"),
    ("20310203040506Z", "2031-02-03 04:05:06"), ("20310203040506.5Z", "2031-02-03 04:05:06"), ("20310203040506.25Z", "2031-02-03 04:05:06"),
    ("310203040506", None), ("3102030405061Z", None), ("20310203040506,5Z", None), ("2031020304050.Z", None), ("20310203x40506Z", None)])
def test_dates(pki, tmp_path, date, shown):
    """RFC 5280 4.1.2.5: two digits are a year from 1950 to 2049; what is no date is no certificate's"""
    file, der = tmp_path / "dated.pem", Forge(pki).certificate("x", dates=("200101000000Z", date))
    file.write_bytes(b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(der))
    made = trust("--pin", file)
    assert made.returncode == (OK if shown else BAD_INPUT), made.stderr
    assert f" * expires {shown} UTC\n" in made.stdout if shown else "damaged" in made.stderr, made.stdout


@pytest.mark.parametrize("words, status, said", [
    ([], USAGE, "no file is given"),
    (["--pin"], USAGE, "no file is given"),
    (["--pim", "x.pem"], USAGE, "unknown option --pim"),
    (["/nonexistent.pem"], NO_INPUT, "/nonexistent.pem cannot be read: No such file"),
    (["--", "--pin"], NO_INPUT, "--pin cannot be read"),
    (["/"], NO_INPUT, "/ cannot be read: Is a directory"),
])
def test_usage(words, status, said):
    made = trust(*words)
    assert (made.returncode, made.stdout) == (status, "") and said in made.stderr, made.stderr


def test_full_disk(pki):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "trust", pki.ca], stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
    assert done.returncode == IO_ERROR and "standard output cannot be written" in done.stderr
