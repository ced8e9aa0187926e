# SPDX-License-Identifier: MIT
"""A Debian with the callers installed, fetched once; over it what `make install` installs, with the recorder in front; a relay.
Environment: MAILMOTE_BUILD is the build directory, COMMAND the file that is installed; SHORT: only some callers, unpacked over
this machine's root."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "interop"))

from cell import BUILD, Ports, tree                  # noqa: E402
from chroot import World, base, once, run            # noqa: E402
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
    rm -rf /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/mailmote
    id joe >/dev/null 2>&1 || useradd -m -s /bin/sh joe
    mkdir -m 1777 /calls
"""
# What the few need that may not be on this machine.
SHORT = {"cron": ["cron", "cron-daemon-common"], "logrotate": ["logrotate", "libpopt0"], "bsd-mailx": ["bsd-mailx", "libbsd0", "liblockfile1"]}
short = bool(os.environ.get("SHORT"))


def fetch(folder):
    folder.mkdir()
    world = World(folder, base())
    world("sh", "-ec", MTA)
    world.apt("update")
    world.apt("install", *PACKAGES)
    world.apt("clean")
    world("sh", "-ec", SETUP)
    world.path("versions").write_text(world("dpkg-query", "-W", "-f", r"${Package} ${Version}\n"))


@pytest.fixture(scope="session")
def debian():
    return once("callers", MTA + SETUP + " ".join(PACKAGES), fetch) / "upper"


@pytest.fixture(scope="session")
def unpacked():
    return tree("callers", [package for packages in SHORT.values() for package in packages])


@pytest.fixture(scope="session")
def version(request):
    """of a package, where it was taken from"""
    if short:
        return lambda package: next((BUILD / "servers/debs").glob(f"{package}_*.deb")).name.split("_")[1].replace("%3a", ":")
    known = (request.getfixturevalue("debian") / "versions").read_text()
    return dict(line.split(" ") for line in known.splitlines()).get


@pytest.fixture(scope="session")
def installed():
    """as `make install` leaves it; then the command has the recorder in front"""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        run("chmod", "755", folder)
        run("make", "install-command", f"DESTDIR={folder}", "PREFIX=/usr", "MTA=1", f"COMMAND={os.environ['COMMAND']}")
        command = pathlib.Path(folder) / "usr/bin/mailmote"
        command.rename(f"{command}.real")
        shutil.copy(HERE / "recorder.py", command)
        command.chmod(0o755)
        yield folder


@pytest.fixture
def world(request, installed):
    name = callers.HOST.partition(".")[0]
    layers = ["/"] if short else [installed, request.getfixturevalue("debian"), base()]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if short else BUILD) as folder:      # not in what it lies over
        world = World(pathlib.Path(folder), *layers, host=name, hosts=f"127.0.0.1 localhost\n127.0.1.1 {callers.HOST} {name}")
        if short:
            run("cp", "-a", f"{request.getfixturevalue('unpacked')}/.", world.path(""))
            world("sh", "-ec", SETUP)
            world("cp", "-a", "--remove-destination", f"{installed}/.", "/")
        yield world


@pytest.fixture(scope="session")
def postfix(tmp_path_factory):
    state, free = tmp_path_factory.mktemp("postfix"), Ports()
    state.chmod(0o755)
    server = Postfix(state, Pki(tmp_path_factory.mktemp("pki")), free)
    server.start()
    yield server
    server.stop()
    free.close()


def pytest_collection_modifyitems(items):
    if short:
        items[:] = [item for item in items if item.callspec.params["caller"].packages in SHORT]


def pytest_terminal_summary(terminalreporter):
    """the table, and how to run again what failed"""
    stats = terminalreporter.stats
    terminalreporter.write_line("")
    for report in stats.get("passed", []):
        for line in (text for name, text in report.user_properties if name == "row"):
            terminalreporter.write_line(line)
    for report in stats.get("failed", []) + stats.get("error", []):
        terminalreporter.write_line(f"again: make callers T='{report.nodeid.partition('[')[2].rstrip(']')}'")
