# SPDX-License-Identifier: MIT
"""Many mails, one connection: what is due goes over it to each real server, octet by octet, in as few flights as can be; and a
relay that allows fewer mails, or fewer connections, gets what it allows."""
import fcntl
import re
import time

import pytest

from client import ALICE, LIMIT_S, OK, SENDER, new_token, raw_mail
from proxy import client_flights
from relay import Spool
from scripted import End, Relay, reset
from test_flights import starttls_flights

MAILS = 20


class Queue:
    """mails that are kept because their relay is down"""

    def __init__(self, mailmote, spool, mails, trust=True, login=()):
        self.mailmote, self.mails = mailmote, {}
        self.words = ["--spool", str(spool), "--helo", "client.example.org", *login]
        self.words += ["--trust", mailmote.ca] if trust else []
        for _ in range(mails):
            token = new_token()
            self.mails[token] = raw_mail(token, b".a line\r\n..\r\n" * (len(self.mails) % 3))
            kept = mailmote.run("send", *self.words, "--raw", "--from", SENDER, "--relay", "localhost:1", ALICE,
                                text=self.mails[token])
            assert [row.verdict for row in kept.rows] == ["deferred"], kept.err

    def flush(self, port, started=None, **more):
        return self.mailmote.run("flush", "--now", "-v", *self.words, "--relay", f"localhost:{port}", started=started, **more)


def delivered(result, mails=MAILS):
    assert result.status == OK and [row.verdict for row in result.rows] == ["delivered"] * mails, (result.out, result.err)
    return result


KINDS = [*((name, port) for name in ("postfix", "exim", "sendmail", "aiosmtpd") for port in ("clear", "starttls", "implicit")),
         ("dovecot", "starttls"), ("dovecot", "implicit"), ("opensmtpd", "clear"), ("postfix", "nochunking"),
         ("postfix", "neither")]


@pytest.mark.parametrize("name, port", KINDS)
def test_twenty_mails(farm, mailmote, tmp_path, name, port):
    server = farm[name]
    login = mailmote.login if server.needs_auth else ()
    queue = Queue(mailmote, tmp_path / "spool", MAILS, trust=port != "clear", login=login)
    words = ["--tls", "implicit"] if port == "implicit" else []
    result = delivered(mailmote.run("flush", "--now", "-v", *queue.words, "--relay", f"localhost:{server.ports[port]}", *words))
    verbs = result.verbs()
    assert verbs.count("MAIL") == MAILS and verbs.count("QUIT") == 1
    assert verbs.count("EHLO") == (2 if port in ("starttls", "nochunking", "neither") else 1) and "RSET" not in verbs
    for token, text in queue.mails.items():
        assert server.wait_for_mail(token).content == text


@pytest.mark.parametrize("port, wanted", [("clear", MAILS + 1), ("starttls", MAILS + 5)])
def test_flights(postfix, mailmote, proxy, tmp_path, port, wanted):
    queue = Queue(mailmote, tmp_path / "spool", MAILS, trust=port != "clear")
    between = proxy(postfix.ports[port])
    delivered(queue.flush(between.port, between.watch))
    talk = between.join()
    flights = len(client_flights(talk)) if port == "clear" else starttls_flights(talk)
    print(f"{MAILS} mails in {flights} flights")
    assert flights == wanted


# ---- What a relay allows --------------------------------------------------------------------------------------------

MANY = 100


@pytest.fixture
def relay(tmp_path):
    log = []
    made = Relay(None, "a", log)
    yield made
    made.stop()


def mails_of(relay):
    return sorted(re.search(rb"Subject: (\S+)", text).group(1).decode() for _, text in relay.mails)


def is_tenth(talk):
    """ten mails a connection"""
    talk.say("250 ok" if len([word for word in talk.words if word == "MAIL"]) <= 10 else "421 4.7.0 ten are enough")


def hang_up(talk):
    """behind the mail"""
    talk.say("250 ok")
    raise End


def reset_behind(talk):
    talk.say("250 ok")
    reset(talk)


def once_a_second(talk):
    now, last = time.monotonic(), getattr(talk.relay, "last", -1)
    talk.relay.last = now
    talk.say("220 relay.test" if now - last >= 1 else "421 4.7.0 too fast")


@pytest.mark.parametrize("script, connections, offers", [
    ({"MAIL": is_tenth}, 11, ["PIPELINING"]),
    ({"MAIL": is_tenth}, 11, []),
    ({".": hang_up}, MANY + 1, []),
    ({".": reset_behind}, MANY + 1, ["PIPELINING"]),
    ({"greeting": once_a_second}, 1, ["PIPELINING"]),
])
def test_as_the_relay_allows(relay, mailmote, tmp_path, script, connections, offers):
    queue = Queue(mailmote, tmp_path / "spool", MANY, trust=False)
    relay.play({**script, "offers": offers})
    begun = time.monotonic()
    result = queue.flush(relay.port)
    took = time.monotonic() - begun
    left = [row for row in result.rows if row.verdict != "delivered"]
    assert len(left) <= 1 and len(result.rows) == MANY + len(left), result.out
    assert mails_of(relay) == sorted(queue.mails), "each once"
    assert connections - 1 <= relay.count <= connections
    assert took < 30


def test_a_mail_that_is_refused_ends_no_connection(relay, mailmote, tmp_path):
    def refuse_second(talk):
        talk.say("550 5.7.1 no" if talk.words.count("RCPT") == 2 else "250 ok")

    queue = Queue(mailmote, tmp_path / "spool", 4, trust=False)
    relay.play({"RCPT": refuse_second, "offers": []})
    result = queue.flush(relay.port)
    assert [row.verdict for row in result.rows] == ["delivered", "failed", "delivered", "delivered", "delivered"]
    assert [row.address for row in result.rows].count(SENDER) == 1, "the notice"
    assert relay.log[0][1].dialogue() == "EHLO MAIL RCPT DATA . MAIL RCPT RSET" + " MAIL RCPT DATA ." * 3 + " QUIT"
    assert relay.count == 1


def refuse_all(talk, no):
    """from this MAIL on, whatever comes"""
    talk.say(no)
    while (line := talk.until(b"\r\n")) != b"QUIT":
        chunk = int(line.split()[1]) if line.startswith(b"BDAT") else 0
        while len(talk.buffer) < chunk:
            talk.read()
        talk.buffer = talk.buffer[chunk:]
        talk.say(no)
    talk.say("221 bye")
    raise End


@pytest.mark.parametrize("offers", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
@pytest.mark.parametrize("no", ["503 5.5.1 Sender already specified", "550 5.7.0 too many messages in this session", "500 what?",
                                "452 4.3.1 one message per session", "530 5.7.0 Authentication required"])
def test_a_refusal_that_is_the_connections(relay, mailmote, tmp_path, no, offers):
    """one mail a connection: none fails by it, and those that one connection does not take the next ones do"""
    queue = Queue(mailmote, tmp_path / "spool", 4, trust=False)
    relay.play({"MAIL": lambda talk: talk.say("250 ok") if talk.words.count("MAIL") == 1 else refuse_all(talk, no), "offers": offers})
    result = queue.flush(relay.port)
    assert [row.verdict for row in result.rows][:3] == ["delivered", "deferred", "delivered"], result.out
    assert no.partition(" ")[2] in result.rows[1].text, "the reply is shown"
    if no.startswith("503"):
        assert sum(talk.words.count("MAIL") > 1 for _, talk in relay.log) == 1, "never about a sender: learned once"
    else:
        result = queue.flush(relay.port)
        assert [row.verdict for row in result.rows] == ["delivered"], result.out
    assert mails_of(relay) == sorted(queue.mails), "each once"
    assert relay.count == 4


@pytest.mark.parametrize("no", ["451 4.3.0 the database is down", "452 4.3.1 disk full"])
def test_a_relay_that_takes_no_sender(relay, mailmote, tmp_path, no):
    """costs no more connections than one that takes all"""
    queue = Queue(mailmote, tmp_path / "spool", 6, trust=False)
    relay.play({"MAIL": no, "offers": []})
    assert [row.verdict for row in queue.flush(relay.port).rows] == ["deferred"] * 6
    assert relay.count == 1


def test_one_sender_that_is_refused_among_others(relay, mailmote, tmp_path):
    """costs the others no connection of their own"""
    def refuse_second(talk):
        talk.say("550 5.7.1 no" if (relay.count, talk.words.count("MAIL")) in ((1, 2), (3, 1)) else "250 ok")

    queue = Queue(mailmote, tmp_path / "spool", 8, trust=False)
    relay.play({"MAIL": refuse_second, "offers": []})
    assert [row.verdict for row in queue.flush(relay.port).rows] == ["delivered", "deferred", *["delivered"] * 6, "failed", "delivered"]
    assert relay.count == 3


def test_a_relay_that_resets_nothing(relay, mailmote, tmp_path):
    """the mail behind a refused one goes on a new connection, and soon"""
    queue = Queue(mailmote, tmp_path / "spool", 3, trust=False)
    relay.play({"RSET": "502 5.5.1 no", "RCPT": lambda talk: talk.say("450 4.2.1 later" if relay.count == 1 else "250 ok"),
                "offers": []})
    assert [row.verdict for row in queue.flush(relay.port).rows] == ["deferred", "deferred", "delivered", "delivered"]


def test_a_sender_that_is_refused(relay, mailmote, tmp_path):
    """is so on a connection of its own too"""
    def refuse(talk):
        talk.say("250 ok" if relay.clear.rpartition(b"MAIL FROM:")[2].startswith(b"<>") else "550 5.7.1 no")

    queue = Queue(mailmote, tmp_path / "spool", 4, trust=False)
    relay.play({"MAIL": refuse, "offers": []})
    verdicts = [row.verdict for row in queue.flush(relay.port).rows + queue.flush(relay.port).rows]
    assert verdicts.count("failed") == verdicts.count("delivered") == len(relay.mails) == 4, verdicts
    assert relay.count <= 5


def test_a_relay_that_left_meanwhile(relay, mailmote, tmp_path):
    """it says 421 and goes while nobody asks: the rest goes over another connection"""
    def good_bye(talk):
        talk.say("250 ok")
        if len(talk.relay.mails) == 2:
            talk.say("421 4.4.2 idle")
            raise End

    queue = Queue(mailmote, tmp_path / "spool", 5, trust=False)
    relay.play({".": good_bye, "offers": []})
    result = queue.flush(relay.port)
    assert mails_of(relay) == sorted(queue.mails)
    assert all(row.verdict == "delivered" for row in result.rows) and len(result.rows) == 5, result.out


@pytest.mark.parametrize("which", [0, 1])
def test_a_mail_in_other_hands(relay, mailmote, tmp_path, which):
    """where it is the last one, the connection that was kept for it is left as any other"""
    queue = Queue(mailmote, tmp_path / "spool", 2, trust=False)
    busy = sorted((file.path for file in Spool(tmp_path / "spool").files()), key=lambda path: path.stat().st_mtime_ns)[which]
    relay.play({"offers": []})
    with open(busy) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = queue.flush(relay.port)
    [(_, talk)] = relay.log
    assert talk.over.wait(LIMIT_S) and talk.words[-1] == "QUIT" and result.err.splitlines()[-1] in ("S: 250 taken", "C: QUIT")
    assert (result.status, [row.verdict for row in result.rows], busy.exists()) == (OK, ["delivered"], True), result.err


def test_what_one_relay_allows_is_not_forgotten_for_another(relay, mailmote, tmp_path):
    """the first takes one mail a connection, which is learned once, though between two of them the second has its say"""
    def is_first(talk):
        talk.say("250 ok" if talk.words.count("MAIL") == 1 else "421 4.7.0 one is enough")

    other, spool = Relay(None, "b", relay.log), Spool(tmp_path / "spool")
    for i, name in enumerate("aabaa"):
        spool.send("127.0.0.1:1", to=(f"{name}@example.test",), text=b"%d\n" % i)
    for file in spool.files():
        file.age, file.wait, file.attempts = 1000 - int(file.path.read_bytes().strip()[-1:]), 0, 1
        file.write()
    relay.play({"MAIL": is_first, "RCPT": {"b": "450 not here"}, "offers": []})
    other.play({"offers": []})
    done = spool.flush(f"127.0.0.1:{relay.port}", f"127.0.0.1:{other.port}", options=["--now"])
    other.stop()
    assert done.verdicts == ["delivered"] * 5 and spool.files() == []
    assert [[text.strip()[-1:] for _, text in each.mails] for each in (relay, other)] == [[b"0", b"3", b"4"], [b"1", b"2"]]
    assert sum(talk.words.count("MAIL") > 1 for name, talk in relay.log if name == "a") == 1, "421 once"
