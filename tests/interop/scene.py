# SPDX-License-Identifier: MIT
"""Scenes: some scripted relays, a spool, a mail, and attempt after attempt of the command, each with what must come of
it.

Each scene has a clock of its own (clock.py), so that hours pass in no time, and none is too early or too late because the
machine is busy. Those of a module are played some at a time in threads; each is one test all the same."""
import concurrent.futures
import contextlib
import copy
import functools
import itertools
import os
import pathlib
import subprocess
import tempfile

import pytest

from cell import PASSWORD, USER
from client import COMMAND, DEFERRED, FAILED, OK, REFUSED, Result
from clock import LIMIT_S, Clock
from pretend import INHERITED, environment
from scripted import Contexts, Relay

TLS_RETRY_S, RETRY_S = 60, 300                     # P4, P11
CONNECT_S, REPLY_S, TLS_S, DATA_S, TEXT_S, END_S, ATTEMPT_S = 30, 300, 120, 120, 180, 600, 900  # P13
SIDE_BY_SIDE = 3 * os.cpu_count()
STATUS = {"delivered": OK, "deferred": DEFERRED, "failed": FAILED}
numbers = itertools.count(1)

# dialogues
CLEAR = "EHLO MAIL RCPT DATA . QUIT"
TLS = "EHLO STARTTLS [EHLO MAIL RCPT DATA . QUIT]"


class Scene:
    """Relays a, b, c in order of preference. `options` is one list for all relays or one per relay. `text`, when it is set,
    is sent as it is."""

    def __init__(self, world, *scripts, options=(), to=("r",)):
        self.log, self.to = [], [f"{name}@example.test" for name in to]
        self.spool = pathlib.Path(tempfile.mkdtemp(prefix="spool-", dir=world.directory))
        self.clock = Clock(world.directory)
        self.environment = {**INHERITED, **environment(**self.clock.settings)}
        self.relays = [Relay(world.contexts, name, self.log, self.clock) for name, _ in zip("abcdefgh", scripts)]
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
        done = subprocess.run([COMMAND, *words], input=text, capture_output=True, timeout=LIMIT_S, env=self.environment)
        for relay in self.relays:
            relay.settle()
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

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
        self.left = self.clock.now
        return result

    def send(self, *dialogues, verdict="deferred", **more):
        """attempt 1: dialogues are "a: EHLO ..." in the order of the connections. It is from nobody, so that no notice is made of it"""
        self.accepted = self.clock.now
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
        for early in sorted({min(after, TLS_RETRY_S), after}):
            self.wait(early - 0.001)
            self.quiet()
        self.wait(after)
        while True:
            begun = self.clock.now
            result = self._run("flush")
            if result.rows or self.log:
                return self._expect(result, dialogues, verdict, **more)
            assert begun - self.left < most, "not due in time"
            self.clock.set(begun + after / 8)

    def wait(self, seconds):
        """until so much time has passed since the last attempt"""
        self.clock.set(self.left + seconds)

    def quiet(self):
        """nothing is due"""
        result = self._run("flush")
        assert not self.log and not result.rows, ("too early", [talk.dialogue() for _, talk in self.log], result.out, result.err)

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

    def __init__(self, contexts, directory):
        self.contexts, self.directory = contexts, directory
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
def troupe_of(session, scratch, pki):
    troupe = Troupe(World(Contexts(pki), scratch), session.items)
    session.config.add_cleanup(troupe.stop)
    return troupe


@pytest.fixture
def play(request, scratch, pki):
    """waits for the test's case"""
    case = request.module, request.node.callspec.params["case"]
    return troupe_of(request.session, scratch, pki).plays[case].result
