# SPDX-License-Identifier: MIT
"""Fixtures of the interoperability tests: certificates, servers and the command, each made once, all gone at the end.
Environment: MAILMOTE is the command, MAILMOTE_BUILD the build directory, where the servers are unpacked."""
import os
import pathlib
import re
import shutil
import socket
import tempfile

import pytest

import cell
import servers
from aio import Aiosmtpd
from attack import Stage
from client import Mailmote
from pki import Pki
from proxy import Proxy
from scripted import Contexts

CELLS = {kind.name: kind for kind in vars(servers).values() if isinstance(kind, type) and kind is not cell.Cell}


@pytest.fixture(scope="session")
def scratch():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def pki(scratch):
    (scratch / "pki").mkdir()
    return Pki(scratch / "pki")


@pytest.fixture
def closed():
    """an address nobody listens at"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


class Farm:
    """The servers, started when first asked for. One that could not be started is not tried again."""

    def __init__(self, scratch, pki):
        self.scratch, self.pki, self.free, self.why_not = scratch, pki, cell.Ports(), cell.why_not()
        self.up, self.broken = {}, set()

    def __getitem__(self, name):
        if name != "aiosmtpd" and self.why_not:
            pytest.skip(f"{name}: {self.why_not}")
        if name not in self.up:
            assert name not in self.broken, f"{name} could not be started; see its first test"
            self.broken.add(name)
            self.up[name] = self._start(name)
            self.broken.remove(name)
        return self.up[name]

    def _start(self, name):
        if name == "aiosmtpd":
            server = Aiosmtpd(self.pki)
        else:
            state = self.scratch / name
            state.mkdir(mode=0o755)
            upstream = {"upstream": self["postfix"]} if name == "dovecot" else {}
            server = CELLS[name](state, self.pki, self.free, **upstream)
        server.start()
        return server

    def stop(self):
        for server in reversed(self.up.values()):
            server.stop()
        self.free.close()


@pytest.fixture(scope="session")
def farm(scratch, pki):
    farm = Farm(scratch, pki)
    yield farm
    farm.stop()


@pytest.fixture
def server(farm, request):
    """the server the test is parametrised with"""
    return farm[request.param]


@pytest.fixture
def postfix(farm):
    return farm["postfix"]


@pytest.fixture
def aiosmtpd(farm):
    return farm["aiosmtpd"]


@pytest.fixture
def proxy():
    """makes a recording proxy to a port"""
    return Proxy


@pytest.fixture(scope="session")
def mailmote(scratch, pki):
    return Mailmote(scratch, pki)


@pytest.fixture(scope="session")
def stage(request, scratch, pki, mailmote):
    stage = Stage(Contexts(pki), scratch, mailmote.login, request.session.items)
    yield stage
    stage.stop()


@pytest.fixture
def attack(request, stage):
    """waits for the test's attack"""
    names = request.node.callspec.params
    return stage.begin(request.module)[names["name"], names["pieces"]].result


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """the logs of the servers, when a test failed"""
    report = (yield).get_result()
    farm = item.funcargs.get("farm") if hasattr(item, "funcargs") else None
    if report.failed and farm:
        report.sections += [(f"log of {name}", server.log()) for name, server in farm.up.items() if server.log()]


def pytest_terminal_summary(terminalreporter):
    """says once, also with -q, what was not tested and why; what a mail costs; and how to run again what failed"""
    for reason in sorted({report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])}):
        terminalreporter.write_line(reason)
    stats = terminalreporter.stats
    for report in stats.get("passed", []) + stats.get("failed", []):
        for line in (text for name, text in report.user_properties if name == "cost" and report.when == "call"):
            terminalreporter.write_line(line)
    for nodeid in dict.fromkeys(report.nodeid for kind in ("failed", "error") for report in stats.get(kind, [])):
        terminalreporter.write_line(f"again: make {target()} T='{expression(nodeid)}'")


def target():
    """the one whose command this is"""
    return "interop-san" if pathlib.Path(os.environ["MAILMOTE"]).parent.name == "san" else "interop"


def expression(nodeid):
    """for pytest -k: the words of a test's file, name and case"""
    path, _, name = nodeid.partition("::")
    words = re.findall(r"[\w.:+-]+", f"{pathlib.Path(path).name} {name.replace('::', ' ')}")
    return " and ".join(dict.fromkeys(word for word in words if word not in ("and", "or", "not")))
