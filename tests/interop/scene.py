# SPDX-License-Identifier: MIT
"""Scenes: some scripted relays, a spool, a mail, and attempt after attempt of the command, each with what must come of
it.

The scenes of a module run side by side in threads, so that their waits overlap; each is one test all the same.
The command is built once more with the time limits in SHORT, so that hours pass in seconds; in more of them on a busy machine."""
import concurrent.futures
import contextlib
import copy
import functools
import itertools
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from cell import BUILD, PASSWORD, USER
from client import DEFERRED, FAILED, OK, REFUSED, Result
from scripted import Contexts, Relay

# How many seconds stand for one, where more wants to run than there are processors for.
SLOW = max(1, round(os.getloadavg()[0] / os.cpu_count() / 4))
TLS_RETRY_S, RETRY_S, STEP_S, CONNECT_S, ATTEMPT_S = (SLOW * seconds for seconds in (2, 3, 2, 2, 11))
SHORT = {"TLS_RETRY_S": TLS_RETRY_S, "OURS_S": SLOW, "RETRY_MIN_S": RETRY_S, "CONNECT_S": CONNECT_S, "ATTEMPT_S": ATTEMPT_S,
         **{f"{step}_S": STEP_S for step in ("REPLY", "DATA", "TEXT", "END", "TLS")}}
SIDE_BY_SIDE = 40 // SLOW                         # they are part of what makes it busy
LIMIT_S = 60 * SLOW
STATUS = {"delivered": OK, "deferred": DEFERRED, "failed": FAILED}
numbers = itertools.count(1)

# dialogues
CLEAR = "EHLO MAIL RCPT DATA . QUIT"
TLS = "EHLO STARTTLS [EHLO MAIL RCPT DATA . QUIT]"


class Scene:
    """Relays a, b, c in order of preference. `options` is one list for all relays or one per relay. `text`, when it is set,
    is sent as it is."""

    def __init__(self, world, *scripts, options=(), to=("r",)):
        self.command, self.log, self.to = world.command, [], [f"{name}@example.test" for name in to]
        self.spool = pathlib.Path(tempfile.mkdtemp(prefix="spool-", dir=world.directory))
        self.relays = [Relay(world.contexts, name, self.log) for name, _ in zip("abcdefgh", scripts)]
        each = [options] * len(scripts) if not options or isinstance(options[0], str) else options
        self.words = [word for relay, more in zip(self.relays, each)
                      for word in ("--relay", f"127.0.0.1:{relay.port}", *more)]
        self.token, self.text = f"scene-{next(numbers)}-token", None
        self.play(*scripts)

    def play(self, *scripts):
        """what the relays do from now on"""
        for relay, script in zip(self.relays, scripts):
            relay.play(script)

    def _run(self, word, *args, text=b""):
        self.log.clear()
        words = [word, "--spool", self.spool, "--helo", "client.example.org", *self.words, *args]
        done = subprocess.run([self.command, *words], input=text, capture_output=True, timeout=LIMIT_S)
        self.over = self._stored()
        for relay in self.relays:
            relay.settle()
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def _stored(self):
        """when the command last stored what came of an attempt, if a mail is left: a busy machine shows its end much later"""
        ago = [time.time() - file.stat().st_mtime for file in self.spool.glob("*.mail")]
        return time.monotonic() - min(ago, default=0)

    def _expect(self, result, dialogues, verdict, code=()):
        """verdict: one for all recipients, or a dict of those that have one in this attempt"""
        verdicts = verdict if isinstance(verdict, dict) else {r.partition("@")[0]: verdict for r in self.to}
        seen = [f"{name}: {talk.dialogue()}" for name, talk in self.log]
        said = (seen, result.out, result.err)
        assert seen == list(dialogues), said
        assert {row.address.partition("@")[0]: row.verdict for row in result.rows} == verdicts, said
        assert len(result.rows) == len(verdicts), said
        worst = max(verdicts.values(), key=("delivered", "deferred", "failed").index)
        assert result.status == STATUS[worst] or (worst, result.status) == ("failed", REFUSED), said
        if code != ():
            assert {row.code for row in result.rows} == {code}, said
        self.left = self.over
        return result

    def send(self, *dialogues, verdict="deferred", **more):
        """attempt 1: dialogues are "a: EHLO ..." in the order of the connections. It is from nobody, so that no notice is made of it"""
        self.accepted = time.monotonic()
        raw = ["--raw"] if self.text else []
        result = self._run("send", "--from", "", *raw, *self.to, text=self.text or self.token.encode())
        return self._expect(result, dialogues, verdict, **more)

    def forced(self, *dialogues, verdict="deferred", **more):
        """another, with --now"""
        return self._expect(self._run("flush", "--now"), dialogues, verdict, **more)

    def due(self, *dialogues, verdict="deferred", after=TLS_RETRY_S, **more):
        """another, when the mail is due: after `after` seconds and not before; and not later than what is random allows: after
        a TLS failure as much again (P4), else up to three times the mail's age (P11)"""
        most = 2 * TLS_RETRY_S if after == TLS_RETRY_S else max(1.25 * after, 3 * (self.left - self.accepted)) + 1
        while True:
            begun = time.monotonic()
            result = self._run("flush")
            if result.rows or self.log:
                assert self.over > self.left + after - 0.3, ("too early", [t.dialogue() for _, t in self.log], result.out, result.err)
                return self._expect(result, dialogues, verdict, **more)
            assert begun - self.left < most, "not due in time"
            self.wait(min(after, TLS_RETRY_S))
            time.sleep(0.25)

    def wait(self, seconds):
        """until so much time has passed since the last attempt"""
        time.sleep(max(0, self.left + seconds - time.monotonic()))

    def quiet(self):
        """nothing is due"""
        result = self._run("flush")
        assert not self.log and not result.rows, (self.log, result.out, result.err)

    def forced_nothing(self):
        """nothing is kept"""
        result = self._run("flush", "--now")
        assert result.status == OK and not self.log and not result.rows, (self.log, result.out, result.err)

    def never_clear(self):
        """not an octet of the mail left outside TLS"""
        for relay in self.relays:
            assert b"MAIL" not in relay.clear and b"AUTH" not in relay.clear and b"token" not in relay.clear

    def close(self):
        for relay in self.relays:
            relay.stop()


class World:
    """what every scene needs"""

    def __init__(self, command, contexts, directory):
        self.command, self.contexts, self.directory = command, contexts, directory
        self.trust = ["--trust", contexts.pki.ca, "--tls-name", "localhost"]
        secret = pathlib.Path(directory) / "scene-password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        self.login = [*self.trust, "--user", USER, "--password-file", str(secret)]

    def act(self, function, *args):
        with contextlib.ExitStack() as stack:
            own = copy.copy(self)
            own.scene = lambda *scripts, **more: stack.enter_context(contextlib.closing(Scene(self, *scripts, **more)))
            function(own, *args)


class Troupe:
    """plays the cases of all selected tests side by side; a case is (function, *arguments) in its module's CASES"""

    def __init__(self, world, items):
        self.world, self.plays = world, {}
        self.pool = concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE)
        for item in items:
            case = getattr(item, "callspec", None) and item.callspec.params.get("case")
            if case and case in getattr(item.module, "CASES", ()):
                self.plays[item.module, case] = self.pool.submit(world.act, *item.module.CASES[case])

    def stop(self):
        self.pool.shutdown(cancel_futures=True)


@functools.lru_cache(maxsize=None)
def short_build():
    """the command with short waits, with the BearSSL of the other one"""
    build, library = BUILD / f"short-{SLOW}", os.environ.get("BEARSSL_LIB")
    flags = " ".join([os.environ.get("CPPFLAGS", ""), *(f"-DMOTE_{name}={value}" for name, value in SHORT.items())])
    done = subprocess.run(["make", f"BUILD={build}", f"CPPFLAGS={flags}", *[f"BEARSSL_LIB={library}"] * bool(library),
                           build / "mailmote"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=pathlib.Path(__file__).parents[2], timeout=300)
    assert done.returncode == 0, done.stdout
    return str(build / "mailmote")


@functools.lru_cache(maxsize=None)
def troupe_of(session, scratch, pki):
    troupe = Troupe(World(short_build(), Contexts(pki), scratch), session.items)
    session.config.add_cleanup(troupe.stop)
    return troupe


@pytest.fixture
def play(request, scratch, pki):
    """waits for the test's case"""
    case = request.module, request.node.callspec.params["case"]
    return troupe_of(request.session, scratch, pki).plays[case].result
