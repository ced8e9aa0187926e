# SPDX-License-Identifier: MIT
"""Some of `make faults`: each kind of call once, and as many more as there is time for."""
import shutil

import pytest

import faults

SAMPLE = 40
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


@pytest.mark.parametrize("name", faults.SCENES)
def test_faults(name):
    row, wrong = faults.run_scene(name, jobs=2, size=SAMPLE)
    assert not wrong, "\n".join(wrong)
    assert row["faults"] >= SAMPLE and row["struck"] > row["faults"] * 3 / 4, row
