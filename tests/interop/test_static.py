# SPDX-License-Identifier: MIT
"""The static files of `make static`, each on its machine: they need no other file, deliver a verified mail, and find a relay by
its name. Each is within the octets of port/static/budget.txt, or `make static` would have failed."""
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

import cell
from cell import BUILD
from mta import Machine
from relay import DEFERRED, FAILED, LIMIT_S, NO_HOST, OK, Relay
from test_cost import EC, MEMORY_KB, RSA, place  # noqa: F401 (a fixture)

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRING, DIRECTIVE = re.compile(r'"((?:[^"\\]|\\.)*)"'), re.compile(r"%[-+#0-9.*]*(?:hh|h|ll|l|j|z|t|L)?[a-zA-Z]")
PRINTF, DATE = re.compile(r"%[-0]*(\d+|\*)?(\.(\d+|\*))?(hh|h|ll|l|j|z|t)?[cdisuxX]"), re.compile(r"%[abdeHmMSY]")
MACHINES = {"static": [], **{f"static-{name}": [f"qemu-{name.removesuffix('hf')}"] for name in os.environ.get("EMULATED", "armhf mips").split()}}


@pytest.fixture(params=MACHINES)
def machine(request):
    """the command and what runs it"""
    command = BUILD / request.param / "mailmote"
    assert command.exists(), f"make {request.param}"
    return command, MACHINES[request.param]


def test_needs_no_other_file(machine):
    header = subprocess.run(["readelf", "-WldS", machine[0]], check=True, capture_output=True, text=True, timeout=LIMIT_S).stdout
    assert "INTERP" not in header and "There is no dynamic section" in header and "LOAD" in header
    assert "There are no sections" in header and re.search(r"GNU_STACK.* RW +0x", header)


def test_directives():
    """no source has one that port/static/printf.c or port/static/time.c does not know"""
    strange = []
    for path in (*ROOT.glob("boards/host/*.c"), *ROOT.glob("port/posix/*.c")):
        for line in path.read_text().splitlines():
            known = DATE if "strftime" in line else PRINTF
            for directive in DIRECTIVE.findall(" ".join(STRING.findall(line)).replace("%%", "")):
                strange += [] if known.fullmatch(directive) else [f"{path.name}: {directive} in {line.strip()}"]
    assert not strange


@pytest.mark.parametrize("word", ["probe", "trust"])
def test_left_out(machine, word):
    """is told, with what to do"""
    command, wrap = machine
    done = subprocess.run([*wrap, command, word, "relay.test"], capture_output=True, timeout=LIMIT_S, text=True)
    assert done.returncode == FAILED and f"without {word}" in done.stderr and f"FEATURES={word}" in done.stderr


def test_summary(machine):
    """what --help prints where the long help is left out, and where that is"""
    command, wrap = machine
    done = subprocess.run([*wrap, command, "--help"], capture_output=True, timeout=LIMIT_S, text=True)
    assert done.returncode == OK and done.stdout.startswith("usage: mailmote send ")
    assert "mailmote(8)" in done.stdout and "FEATURES=help" in done.stdout


@pytest.mark.parametrize("chain", [RSA, EC])
def test_verified_mail(place, machine, chain):  # noqa: F811
    """with a login, through a chain of three certificates to the last of some 150 in the system's file"""
    command, wrap = machine
    place(chain).send_verified(command=command, wrap=wrap)


@pytest.mark.parametrize("words", [["-odi"], []], ids=["foreground", "background"])
def test_sendmail(machine, words, tmp_path):
    """by that name: a whole message from a pipe, its recipient in the header; kept, delivered, and gone from the spool"""
    command, wrap = machine
    if wrap and not words:
        pytest.skip("the emulator's child would need an emulator")
    relay, spool, name = Relay(), tmp_path / "spool", tmp_path / "sendmail"
    name.symlink_to(command)
    (tmp_path / "conf").write_text(f"relay {relay.where}\nspool {spool}\nhelo client.example.org\nfrom s@example.org\n")
    done = subprocess.run([*wrap, name, *words, "-t"], input=b"To: a@example.test\nSubject: static\n\nhello\n", capture_output=True,
                          timeout=LIMIT_S, env={"LOGNAME": "root", "MAILMOTE_CONF": str(tmp_path / "conf"), "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout, done.stderr) == (OK, b"", b"")
    assert Machine.wait(lambda: not list(spool.glob("*.mail")))
    [mail] = relay.mails
    assert mail.to == ["a@example.test"] and b"Subject: static\r\n" in mail.text and mail.text.endswith(b"\r\nhello\r\n")
    relay.stop()


def test_memory(place, record_property):  # noqa: F811
    """of its own, when the relay has all of the mail; the file itself is there once for all who run it"""
    process, seen = [], {}

    def look(talk):
        status = pathlib.Path(f"/proc/{process[0]}/status").read_text()
        seen.update((name, int(kb)) for name, kb in re.findall(r"^(RssAnon|VmHWM):\s*(\d+) kB", status, re.M))
    place().send_verified({"+.": [look, "250 taken"]}, command=BUILD / "static/mailmote", started=process.append)
    record_property("cost", f"KB of memory of a verified mail: {seen['RssAnon']}, at most {MEMORY_KB}; "
                            f"with the pages of the file {seen['VmHWM']}")
    assert seen["RssAnon"] <= MEMORY_KB


def send_to(machine, name):
    """a mail to the relay of that name, where names.py is all the network there is"""
    if cell.why_not():
        pytest.skip(cell.why_not())
    command, wrap = machine
    here = pathlib.Path(__file__).with_name("names.py")
    return subprocess.run(["unshare", "--net", *cell.UNSHARE[1:], sys.executable, here, name, *wrap, command], capture_output=True,
                          text=True, timeout=LIMIT_S)


@pytest.mark.parametrize("name", ["hosts.example.test", "v4.example.test", "v6.example.test", "V4.Example.test.", "short",
                                  "alias.example.test", "long.example.test", "cut.example.test", "lied.example.test"])
def test_finds_a_relay(machine, name):
    """by /etc/hosts, by servers of /etc/resolv.conf with an A or an AAAA record, and by its search list. Servers refuse, or are not
    there; an answer has an alias in it, is had by TCP, or is cut short; and answers to other questions come before it."""
    done = send_to(machine, name)
    assert done.returncode == OK and done.stdout.split("\t")[2] == "delivered", done


def test_no_such_name(machine):
    """is the relay's name told, and the mail not sent"""
    done = send_to(machine, "nowhere.example.test")
    assert done.returncode == NO_HOST and "nowhere.example.test" in done.stdout + done.stderr, done


def test_no_answer(machine):
    """for the two seconds that the options say is no fault of the relay's"""
    begun = time.monotonic()
    done = send_to(machine, "silent.example.test")
    assert done.returncode == DEFERRED and time.monotonic() - begun < 10, done
