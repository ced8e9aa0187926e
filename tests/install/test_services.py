# SPDX-License-Identifier: MIT
"""What calls `mailmote flush`: systemd's units, the hook of ifupdown; and the directories it works in."""
import os
import re
import stat
import subprocess

import pytest

from clock import LIMIT_S
from conftest import make, run


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """installed to stay, below a prefix of its own"""
    prefix = tmp_path_factory.mktemp("local")
    make("install-command", f"PREFIX={prefix}", f"IFUPDIR={prefix}/if-up.d")
    return prefix


def test_units(local):
    """systemd has nothing to say of them"""
    units = local / "lib/systemd/system"
    assert run("systemd-analyze", "verify", "--man=no", units / "mailmote.service", units / "mailmote.timer") == ""
    assert f"ExecStart={local}/bin/mailmote flush\n" in (units / "mailmote.service").read_text()


def test_service_is_confined(local):
    """less exposed than systemd's own scale calls acceptable; and /proc is whole, which the spool counts time by"""
    unit = local / "lib/systemd/system/mailmote.service"
    run("systemd-analyze", "security", "--offline=true", "--threshold=50", unit)
    assert "ProcSubset=pid" not in [line.strip() for line in unit.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_service_may_do_its_work(local, tmp_path):
    """with the capabilities the unit leaves it, flush takes the mail that a user has dropped"""
    unit = (local / "lib/systemd/system/mailmote.service").read_text()
    left = re.search(r"^CapabilityBoundingSet=(.*)", unit, re.M)[1].lower().replace("cap_", "+").replace(" ", ",")
    for folder in [local, tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o711)
    spool = tmp_path / "spool"
    for folder, mode in ((spool, 0o711), (spool / "drop", 0o1733)):
        folder.mkdir()
        folder.chmod(mode)
    words = "--relay", "127.0.0.1:1", "--spool", spool, "--helo", "here.example.test"
    user = "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"
    run(*user, local / "bin/mailmote", "send", *words, "--from", "a@example.test", "--background", "b@example.test", status=0)
    dropped, = (spool / "drop").iterdir()
    assert dropped.stat().st_uid == 65534
    said = run("setpriv", f"--bounding-set=-all,{left}", local / "bin/mailmote", "flush", *words, status=75)
    assert "\tb@example.test\tdeferred\t" in said and not list((spool / "drop").iterdir())


@pytest.mark.skipif(os.getuid() != 0, reason="makes directories of root's")
def test_directories(local, tmp_path):
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", local / "lib/tmpfiles.d/mailmote.conf")
    for name, mode in (("mailmote", 0o711), ("mailmote/drop", 0o1733)):
        assert stat.S_IMODE((tmp_path / "var/spool" / name).stat().st_mode) == mode


@pytest.mark.parametrize("interface, flushed", [("eth0", True), ("lo", False)])
def test_hook(interface, flushed, local, tmp_path):
    """mails that wait are tried when a network comes up; who brings it up does not wait for that"""
    hook = (local / "if-up.d/mailmote").read_text().replace(f"{local}/bin", str(tmp_path))
    (tmp_path / "hook").write_text(hook)
    (tmp_path / "mailmote").write_text(f"#!/bin/sh\necho loud; read word; echo \"$*\" >{tmp_path}/said.new; mv {tmp_path}/said.new {tmp_path}/said\n"
                                       f"exec cat {tmp_path}/fifo\n")
    (tmp_path / "mailmote").chmod(0o755)
    os.mkfifo(tmp_path / "fifo")
    done = subprocess.run(["sh", tmp_path / "hook"], env={**os.environ, "IFACE": interface}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    assert (done.returncode, done.stdout) == (0, b"")
    if flushed:
        with open(tmp_path / "fifo", "w"):           # the command lives until now
            assert (tmp_path / "said").read_text() == "flush --now\n"
    assert (tmp_path / "said").exists() == flushed


def test_hook_of_a_package_that_was_removed(local, tmp_path):
    """the hook is a file of /etc, and stays until it is purged"""
    hook = (local / "if-up.d/mailmote").read_text().replace(f"{local}/bin", str(tmp_path))
    (tmp_path / "hook").write_text(hook)
    assert run("sh", tmp_path / "hook", IFACE="eth0") == ""
