# SPDX-License-Identifier: MIT
"""A Debian with the callers installed, fetched once; over it what `make install` installs, with the recorder in front; a relay.
Environment: MAILMOTE_BUILD is the build directory, COMMAND the file that is installed."""
import os
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "interop"))

from cell import BUILD, Ports, why_not               # noqa: E402
from chroot import World, once, run                  # noqa: E402
from pki import Pki                                  # noqa: E402
from servers import Postfix                          # noqa: E402

import callers                                       # noqa: E402

# In the place of a mail transport agent, which some of them depend on, and of a kernel's modules.
MTA = r"""
    sed -i 's/ main$/ main contrib/' /etc/apt/sources.list
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    mkdir -p /tmp/mta/DEBIAN
    printf '%s\n' 'Package: installed-mta' 'Version: 1' 'Architecture: all' 'Maintainer: a <a@b.example>' 'Description: b' \
        'Provides: default-mta, mail-transport-agent, zfs-modules' >/tmp/mta/DEBIAN/control
    dpkg-deb -b /tmp/mta /tmp/mta.deb
    dpkg -i /tmp/mta.deb
"""
PACKAGES = sorted({package for caller in callers.CALLERS for package in caller.packages.split()} | {"python3"})
SETUP = r"""
    rm -f /etc/cron.d/*
    useradd -m -s /bin/sh joe
    mkdir -m 1777 /calls
"""


def fetch(folder):
    folder.mkdir()
    world = World(folder)
    world("sh", "-ec", MTA)
    world.apt("update")
    world.apt("install", *PACKAGES)
    world.apt("clean")
    world("sh", "-ec", SETUP)
    world.path("versions").write_text(world("dpkg-query", "-W", "-f", r"${Package} ${Version}\n"))


@pytest.fixture(scope="session")
def debian():
    recipe = MTA + SETUP + " ".join(PACKAGES)
    return once("callers", recipe, fetch) / "upper"


@pytest.fixture(scope="session")
def versions(debian):
    return dict(line.split(" ") for line in (debian / "versions").read_text().splitlines())


@pytest.fixture(scope="session")
def installed():
    """as `make install` leaves it; then the command has the recorder in front"""
    folder = BUILD / "callers.installed"
    shutil.rmtree(folder, ignore_errors=True)
    run("make", "install-command", f"DESTDIR={folder}", "PREFIX=/usr", "MTA=1", f"COMMAND={os.environ['COMMAND']}")
    command = folder / "usr/bin/mailmote"
    command.rename(f"{command}.real")
    shutil.copy(HERE / "recorder.py", command)
    command.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def world(debian, installed):
    folder = BUILD / "callers.world"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield World(folder, installed, debian, host=callers.HOST.partition(".")[0],
                hosts=f"127.0.0.1 localhost\n127.0.1.1 {callers.HOST} {callers.HOST.partition('.')[0]}")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postfix(tmp_path_factory):
    if why_not():
        pytest.skip(why_not())
    state, free = tmp_path_factory.mktemp("postfix"), Ports()
    state.chmod(0o755)
    server = Postfix(state, Pki(tmp_path_factory.mktemp("pki")), free)
    server.start()
    yield server
    server.stop()
    free.close()


def pytest_terminal_summary(terminalreporter):
    """the table, and how to run again what failed"""
    stats = terminalreporter.stats
    terminalreporter.write_line("")
    for report in stats.get("passed", []):
        for line in (text for name, text in report.user_properties if name == "row"):
            terminalreporter.write_line(line)
    for report in stats.get("failed", []) + stats.get("error", []):
        terminalreporter.write_line(f"again: make callers T='{report.nodeid.partition('[')[2].rstrip(']')}'")
