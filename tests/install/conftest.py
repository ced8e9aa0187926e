# SPDX-License-Identifier: MIT
"""`make install` into a folder, once. Environment: MAILMOTE_BUILD is the build directory; what was said to the make that
runs the tests is said to those in them as well."""
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["MAILMOTE_BUILD"]).resolve()
sys.path.append(str(TOP / "tests/interop"))


def run(*command, status=0, cwd=TOP, limit=300, **environment):
    """what it printed, on both; it must end with that status"""
    done = subprocess.run([*map(str, command)], cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=limit)
    assert done.returncode == status, done.stdout
    return done.stdout


def make(*words, **options):
    return run("make", *words, **options)


def files(folder):
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_symlink() or not path.is_dir()}


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """as a package does it"""
    root = tmp_path_factory.mktemp("installed")
    make("install", f"DESTDIR={root}", "PREFIX=/usr", "IFUPDIR=/etc/network/if-up.d", "MTA=1")
    return root
