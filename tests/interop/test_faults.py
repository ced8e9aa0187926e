# SPDX-License-Identifier: MIT
"""Some of `make faults`: each kind of call once, and a few more in each scene."""
import os
import shutil
import subprocess
import types

import pytest

import faults

# Faults of a scene, the part that must strike; each allocation, or each third.
FEW, STRUCK, STEP = (8, 1 / 2, 3) if os.environ.get("SHORT") else (24, 3 / 4, 1)
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


def test_faults():
    seen, rows, wrong = set(), {}, []
    for name in faults.SCENES:
        rows[name], found = faults.run_scene(name, 2, lambda all_faults: faults.sample(all_faults, FEW, seen))
        wrong += found
    print(faults.table(rows))
    assert not wrong, "\n".join(wrong)
    assert {"openat", "pwrite64", "fdatasync", "renameat", "unlinkat", "connect", "sendto", "recvfrom"} <= seen
    assert all(row["faults"] >= FEW and row["struck"] > row["faults"] * STRUCK for row in rows.values())
    assert sum(row["struck"] for row in rows.values()) > sum(row["faults"] for row in rows.values()) * 3 / 4


def test_what_hangs_is_ended_and_nobody_else(tmp_path):
    """whose number one of its processes had"""
    (tmp_path / "trace").touch()
    left, other = (subprocess.Popen(["tail", "-f", path]) for path in (tmp_path / "trace", "/dev/null"))
    (tmp_path / "trace").write_text(f"{left.pid} read(0\n{other.pid} read(0\n")
    run = faults.Run.__new__(faults.Run)
    run.stage = types.SimpleNamespace(directory=tmp_path, trace=tmp_path / "trace")
    run._end()
    assert left.wait(faults.LIMIT_S) == faults.KILLED and other.poll() is None
    other.kill()
    other.wait()


def test_power_goes_at_each_write_of_mails_that_share_connections():
    """killed in front of every call that changes a file or says something to one of two relays"""
    changes = ("pwrite64", "write", "fdatasync", "fsync", "renameat", "unlinkat", "sendto")
    row, wrong = faults.run_scene("flush, kept, two relays", 2, lambda all_faults: [
        fault for fault in all_faults if "signal=KILL" in fault and fault.partition(":")[0] in changes])
    assert not wrong, "\n".join(wrong)
    assert row["faults"] > 60 and row["struck"] > row["faults"] * 3 / 4, row


@pytest.mark.parametrize("name", ["background, refused", "flush, refused, kept", "flush, two relays", "flush, unnamed", "sendmail, shares", "flush, dropped"])
def test_each_allocation_fails(name):
    if name not in faults.SCENES:
        pytest.skip("only root can be several users")
    number, struck = 0, True
    while struck:
        number += STEP
        run = faults.Run(faults.SCENES[name], f"{faults.MEMORY}{number}")
        struck = run.struck()
        assert not run.judge(), (number, run.judge(), run.done)
    assert number > 10
