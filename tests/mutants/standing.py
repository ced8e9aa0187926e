# SPDX-License-Identifier: MIT
"""A pytest that stands ready: what it costs to collect the tests, and to make what all of them share, is paid once.

As a plugin (-p standing) it reads from the descriptor TOLD: a line of JSON is a list of tests. It runs them in a process of their
own, up to the first that fails, and writes to the descriptor ANSWERS a line of JSON: the test that failed, or took too long; "" if
none did. No process that those tests started is left behind them. The first answer, asked by nobody, is which tests there are.
"""

import ctypes
import functools
import gc
import json
import os
import pathlib
import resource
import select
import signal
import sys
import tempfile

import pytest

INTEROP = pathlib.Path(__file__).parent.parent / "interop"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CPU_S, ONE_S = 30, 200                          # for a test's own part, and each command; for one test
SHARED = "postfix", "aiosmtpd"                  # one runs all the time, one is begun at once; others take seconds to start

sys.path.insert(0, str(INTEROP))
import clock  # noqa: E402
import pretend  # noqa: E402
clock.LIMIT_S = 60                              # a fault may well make a command that never ends


@pytest.fixture(scope="session", autouse=True)
def shared(request, mailmote, farm):
    pretend.library()
    pretend.library(pretend.MEMORY)
    if not farm.why_not:
        farm[SHARED[0]]
    request.config.farm = farm


def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if not hasattr(item, "callspec") or item.callspec.params.get("server", SHARED[0]) in SHARED]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)     # what tests leave behind comes here, to be ended
    items = {item.nodeid: item for item in session.items}
    run(session.items[:1], session)
    session.testsfailed = 0
    told, answers = os.fdopen(int(os.environ["TOLD"])), os.fdopen(int(os.environ["ANSWERS"]), "w", buffering=1)
    gc.collect()
    gc.freeze()                                 # a child that looked through all of it would make it its own
    print(json.dumps(list(items)), file=answers)
    for line in told:
        print(json.dumps(first([items[name] for name in json.loads(line)], session)), file=answers)
    return True


def first(items, session):
    """that fails, or does not end; run by a child, which says which one it begins, and an empty line behind the last"""
    others, (reads, writes) = set(children().get(os.getpid(), ())), os.pipe()
    child = os.fork()
    if not child:
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            session.items, farm = items, session.config.farm
            farm.scratch = pathlib.Path(tempfile.mkdtemp(dir=farm.scratch))     # for other servers, which end with this process
            farm.scratch.chmod(0o755)
            run(items, session, functools.partial(begin, writes))
        finally:
            os._exit(0)
    os.close(writes)
    said = b""
    while select.select([reads], [], [], ONE_S)[0] and (more := os.read(reads, 65536)):
        said += more
    os.close(reads)
    end_all_but(others)
    return (said.decode().splitlines() or ["no test began"])[-1]


def begin(writes, name):
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_S, resource.RLIM_INFINITY))
    os.write(writes, f"{name}\n".encode())


def run(items, session, begin=lambda name: None):
    """Of what was made for each, no more is kept for the next one than what all of them share: what the session has."""
    for item in items:
        begin(item.nodeid)
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=session)
        if session.testsfailed:
            return
    begin("")


def children():
    """{process: those it started}"""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.setdefault(parent, []).append(int(path.parent.name))
    return found


def end_all_but(others):
    """of the processes below this one"""
    while True:
        below, ours = children(), []
        new = [pid for pid in below.get(os.getpid(), []) if pid not in others]
        while new:
            ours.append(new.pop())
            new += below.get(ours[-1], [])
        if not ours:
            return
        for pid in ours:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass                            # it has ended, or comes here when what started it has
