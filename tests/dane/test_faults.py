# SPDX-License-Identifier: MIT
"""Some of `make faults DANE=1`."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from conftest import COMMAND, HERE
from faults_mx import SCENES, MxRun

PLAIN = pathlib.Path(COMMAND).parents[1] / "dane-gcc/mailmote"   # LeakSanitizer does not work under strace


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_faults_while_mails_of_two_domains_are_sent():
    done = subprocess.run([sys.executable, HERE / "faults_mx.py", "--few", "12"], capture_output=True, text=True, timeout=900,
                          env=os.environ | {"MAILMOTE": str(PLAIN)})
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("said, unsaid", [("", True), ("send: Input/output error", False), ("MX of a.test: no name server answered in time", False)])
def test_an_error_is_looked_for_though_there_are_two_hosts(said, unsaid):
    run = object.__new__(MxRun)
    run.scene, run.fault, run.relays = SCENES["send"], "openat:error=EIO:when=3", [None, None]
    run.done = subprocess.CompletedProcess([], 75, b"", said)
    assert run.unsaid() is unsaid


@pytest.mark.parametrize("last, column", [("7 read(5, ", "stuck"), ("7 read(9, ", "hung")])
def test_where_it_hangs(last, column):
    run = object.__new__(MxRun)
    run.trace = ["7 socketpair(AF_UNIX, SOCK_STREAM, 0, [4, 5]) = 0", last]
    assert list(run.hangs()) == [column]
