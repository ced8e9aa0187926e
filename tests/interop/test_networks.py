# SPDX-License-Identifier: MIT
"""Mails through networks in which packets are late, lost, doubled, out of order, too long, or forged: each arrives once, as it is;
or it is deferred, with a cause, has not arrived unless it is said that it may have, and arrives when the weather is good.

MAILS is how many in each network; `make networks` takes 2000. Where the weather alone cannot hinder a mail, the command has its
own time limits, and nothing may be deferred; elsewhere it is built with shorter ones, so that minutes pass in seconds."""
import collections
import concurrent.futures
import os
import pathlib
import subprocess

import pytest

import cell
from board import SLOW
from client import DEFERRED, LIMIT_S, OK, new_token, raw_mail
from network import FAR, Network, Weather
from relay import COMMAND, Relay, Spool, make_context

MAILS, WORKERS = int(os.environ.get("MAILS", "12")), 12
STEP_S, ATTEMPT_S = 2 * SLOW, 11 * SLOW
EACH_S = 2 * ATTEMPT_S  # what a mail may cost a flush, where each long packet vanishes
FULL, GOOD = 1500, Weather()
# name -> (weather, MTU, is every mail delivered at once)
NETWORKS = {
    "delay": (Weather(delay_s=(0.05, 0.05)), FULL, True),
    "loss": (Weather(lost=0.05), FULL, True),
    "reordering": (Weather(delay_s=(0, 0.03)), FULL, True),
    "duplication": (Weather(twice=0.5), FULL, True),
    "mtu-576": (GOOD, 576, True),
    "all-of-these": (Weather(delay_s=(0.01, 0.03), lost=0.03, twice=0.1), 576, True),
    "black-hole": (Weather(vanishes=577), FULL, False),
    "link-down": (Weather(up_s=1.5, down_s=5), FULL, False),
    "resets": (Weather(reset=0.02), FULL, False),
}


def short_build():
    """the command with short waits, with SHORT quickly compiled, with the BearSSL of the other one"""
    limits = {"TLS_RETRY": STEP_S, "OURS": SLOW, "RETRY_MIN": 3 * SLOW, "CONNECT": STEP_S, "ATTEMPT": ATTEMPT_S,
              **dict.fromkeys(("REPLY", "DATA", "TEXT", "END", "TLS"), STEP_S)}
    build, library = cell.BUILD / f"short-{SLOW}", os.environ.get("BEARSSL_LIB")
    flags = " ".join([os.environ.get("CPPFLAGS", ""), *(f"-DMOTE_{name}_S={value}" for name, value in limits.items())])
    words = [*["CFLAGS=-O0"] * bool(os.environ.get("SHORT")), *[f"BEARSSL_LIB={library}"] * bool(library)]
    done = subprocess.run(["make", f"BUILD={build}", f"CPPFLAGS={flags}", *words, build / "mailmote"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd=pathlib.Path(__file__).parents[2], timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout
    return str(build / "mailmote")


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return make_context(tmp_path_factory.mktemp("networks"))


@pytest.fixture
def network(request):
    why_not = cell.why_not()
    if why_not:
        pytest.skip(why_not)
    weather, mtu, _ = NETWORKS[request.param]
    network = Network(weather, mtu)
    yield network
    network.stop()


class Worker:
    """sends its mails one after the other, and keeps the account of them: rows has what was said of each last, doubts how often
    it was that it may have arrived. Every other worker has the relay with STARTTLS; two of six send small mails, two long ones,
    two longer ones"""

    def __init__(self, number, path, command, network, relay, mails):
        self.spool, self.wrap, self.relay = Spool(path / str(number), command), network.near.wrap(), relay
        self.texts, self.rows, self.doubts = {}, {}, collections.Counter()
        for _ in range(mails):
            token = new_token()
            self.texts[token] = raw_mail(token, b".a line with a dot in front\r\n" * (1, 60, 600)[number // 2 % 3])

    def send(self):
        for token, text in self.texts.items():
            done = self.spool.send(self.relay, options=["--raw"], text=text, wrap=self.wrap)
            self._said(token, *done.rows)
            assert done.returncode == (OK if self.rows[token][2] == "delivered" else DEFERRED), done.stderr

    def flush(self):
        ids = {row[0]: token for token, row in self.rows.items()}
        done = self.spool.flush(self.relay, options=["--now"], wrap=self.wrap, limit=LIMIT_S + EACH_S * len(ids))
        assert done.stderr == "", done.stderr
        for row in done.rows:
            self._said(ids[row[0]], row)

    def _said(self, token, row):
        self.rows[token] = row
        self.doubts[token] += row[2] == "deferred" and "may have arrived" in row[4]

    def account(self, arrived):
        """what must be true of each mail between two attempts"""
        kept = {file.path.stem for file in self.spool.files()}
        for token, (name, _, verdict, _, cause) in self.rows.items():
            assert verdict in ("delivered", "deferred") and cause and (verdict == "deferred") == (name in kept), self.rows[token]
            delivered, copies = verdict == "delivered", len(arrived[token])
            assert delivered <= copies <= self.doubts[token] + delivered, (token, copies, self.rows[token])
            assert set(arrived[token]) <= {self.texts[token]}, token
        return collections.Counter(row[2] for row in self.rows.values())


def arrivals(relays):
    arrived = collections.defaultdict(list)
    for relay in relays:
        for mail in list(relay.mails):
            arrived[mail.id.partition("@")[0]].append(mail.text.replace(b"\n.", b"\n"))
    return arrived


@pytest.mark.parametrize("network, name", [(name, name) for name in NETWORKS], indirect=["network"])
def test_mails_arrive(network, name, context, tmp_path, record_property):
    _, _, at_once = NETWORKS[name]
    relays = [network.far(Relay, address=FAR), network.far(Relay, context, "good", address=FAR)]
    command = COMMAND if at_once else short_build()
    workers = [Worker(n, tmp_path, command, network, relays[n % 2], len(range(n, MAILS, WORKERS)))
               for n in range(WORKERS)]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        def attempt(method):
            list(pool.map(method, workers))
            arrived = arrivals(relays)
            return sum((worker.account(arrived) for worker in workers), collections.Counter())

        first = attempt(Worker.send)
        assert not at_once or first["delivered"] == MAILS, first
        second = attempt(Worker.flush)
        network.weather = GOOD
        last = attempt(Worker.flush)
    for relay in relays:
        relay.stop()
    doubts = sum(sum(worker.doubts.values()) for worker in workers)
    copies = sum(map(len, arrivals(relays).values()))
    assert last["delivered"] == MAILS, last
    record_property("cost", f"{name:14} {MAILS:6} mails, {first['delivered']:6} delivered at once, {second['delivered']:6} after "
                            f"a second attempt; {doubts:4} doubts, {copies - MAILS:4} second copies")
