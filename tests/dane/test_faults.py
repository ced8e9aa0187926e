# SPDX-License-Identifier: MIT
"""Some of `make faults DANE=1`."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from conftest import COMMAND, HERE

PLAIN = pathlib.Path(COMMAND).parents[1] / "dane-gcc/mailmote"   # LeakSanitizer does not work under strace


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_faults_while_mails_of_two_domains_are_sent():
    done = subprocess.run([sys.executable, HERE / "faults_mx.py", "--few", "12"], capture_output=True, text=True, timeout=900,
                          env=os.environ | {"MAILMOTE": str(PLAIN)})
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
