# SPDX-License-Identifier: MIT
"""`make install` into a folder, once. Environment: MAILMOTE_BUILD is the build directory; what was said to the make that
runs the tests is said to those in them as well."""
import os
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["MAILMOTE_BUILD"]).resolve()
sys.path.append(str(TOP / "tests/interop"))

from aio import Aiosmtpd                             # noqa: E402
from chroot import run                               # noqa: E402
from pki import Pki                                  # noqa: E402


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


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """a mail server, and its keys"""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    server = Aiosmtpd(pki)
    server.start()
    yield server, pki
    server.stop()
