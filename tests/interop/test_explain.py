# SPDX-License-Identifier: MIT
"""What a recipient's line says of a relay that refused nothing itself: what is known of it, and what to do."""
import socket
import ssl
import threading

import pytest

from relay import COMMAND, DEFERRED, FAILED, OK, Relay, make_context, run
from says import Says

A = "a@example.test"


def send(where, *options, text=b"x\n"):
    return run(COMMAND, "send", "--from", "s@example.org", "--helo", "client.example.org", "--relay", where, *options, A,
               text=text)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return make_context(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size, shown", [("1000", "1000"), ("99", "99"), ("1000 2000", "1000")])
def test_a_mail_over_the_size_that_is_offered(context, secure, size, shown):
    """the mail's octets as the relay would have been told them, and what it takes"""
    relay = Relay(context, "good" if secure else None)
    try:
        relay.size = 0                                  # no limit
        done = send(relay.where, "-v", text=b"x" * 70 + b"\n" * 1000)
        assert done.returncode == OK, done.stderr
        octets = len(relay.mails[0].text)
        relay.size = size
        done = send(relay.where, "-v", text=b"x" * 70 + b"\n" * 1000)
        assert (done.returncode, done.verdicts, len(relay.mails)) == (FAILED, ["failed"], 1)
        words = f"the mail has {octets} octets, more than the relay takes: {shown}"
        assert done.rows[0][4] == words
    finally:
        relay.stop()


@pytest.mark.parametrize("where", range(3))
def test_who_was_told_nothing_is_shown_what_decided_it(where):
    """a 421 to one recipient is for all, also for those before, who were accepted, and those behind, who were not named"""
    to = ["a@example.test", "b@example.test", "c@example.test"]
    relay = Relay(replies={to[where]: "421 4.3.2 closing", "MAIL": "250 go on"})
    try:
        done = run(COMMAND, "send", "--from", "s@example.org", "--helo", "client.example.org", "--relay", relay.where, *to, text=b"x\n")
        assert [row[2:] for row in done.rows] == [["deferred", "421", "4.3.2 closing"]] * 3
    finally:
        relay.stop()


@pytest.mark.parametrize("more, cut", [(0, False), (1, True)])
def test_a_line_of_the_dialogue_that_fills_its_room(more, cut):
    relay = Relay()
    relay.greeting = "220 " + "x" * (996 + more)
    try:
        done = send(relay.where, "-v")
        assert "S: 220 " + "x" * 996 + (" (cut here)" if cut else "") + "\n" in done.stderr, done.stderr
    finally:
        relay.stop()


def test_a_dialogue_that_breaks_off_is_shown_to_its_end():
    """what was sent of the mail, and a line of the relay's without its end"""
    relay, cut = Relay(), Says([b"220 hi\r\n", b"250 hel"])
    relay.cut_at_end = True
    try:
        done = send(relay.where, "-v")
        assert done.stderr.splitlines()[-2] == f"C: ({len(relay.mails[0].text) + 3} octets of mail)"
        assert "S: 250 hel\n" in send(f"127.0.0.1:{cut.port}", "-v").stderr
    finally:
        relay.stop()
        cut.listener.close()


def test_the_limit_is_that_of_the_relay_that_is_told(context):
    """not of another one"""
    first, second = Relay(), Relay()
    first.size, second.size = 100, 200
    try:
        done = send(first.where, "--relay", second.where, text=b"x\n" * 1000)
        assert done.returncode == FAILED and done.rows[0][4].endswith("than the relay takes: 200")
    finally:
        first.stop()
        second.stop()


def test_a_relay_that_is_not_there(closed):
    """what the system said is shown, and no step of a conversation"""
    done = send(closed)
    assert (done.returncode, done.verdicts) == (DEFERRED, ["deferred"])
    assert done.rows[0][4] == f"no connection to the relay ({closed.replace(':', ' port ')}: Connection refused)"


@pytest.fixture
def silent(context):
    """TLS from the first octet, where nobody expects it"""
    listener, links = socket.create_server(("127.0.0.1", 0)), []

    def accept():
        while True:
            try:
                link = listener.accept()[0]
                links.append(link)
                context.wrap_socket(link, server_side=True)
            except ssl.SSLError:
                pass
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for link in links:
        link.close()


def test_a_relay_that_waits_for_tls(silent):
    done = send(silent, "--timeout", "2")
    assert (done.returncode, done.verdicts) == (DEFERRED, ["deferred"])
    assert "at GREETING: does it want TLS from the first octet (--tls implicit, or tls=implicit)?" in done.rows[0][4]
    done = send(silent, "--timeout", "2", "--tls", "implicit")
    assert done.returncode == DEFERRED and b"implicit" not in done.stdout
