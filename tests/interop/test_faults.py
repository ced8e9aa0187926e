# SPDX-License-Identifier: MIT
"""Some of `make faults`: each kind of call once, and a few more in each scene."""
import shutil

import pytest

import faults

FEW = 24
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


def test_faults():
    seen, rows, wrong = set(), {}, []
    for name in faults.SCENES:
        rows[name], found = faults.run_scene(name, 2, lambda all_faults: faults.sample(all_faults, FEW, seen))
        wrong += found
    print(faults.table(rows))
    assert not wrong, "\n".join(wrong)
    assert {"openat", "pwrite64", "fdatasync", "renameat", "unlinkat", "connect", "sendto", "recvfrom"} <= seen
    assert all(row["faults"] >= FEW and row["struck"] > row["faults"] * 3 / 4 for row in rows.values())
