# SPDX-License-Identifier: MIT
"""How often the client must wait before its mail is accepted: its flights, counted on the wire by a recording proxy.
In clear EHLO | MAIL+RCPT+BDAT+mail+QUIT; with STARTTLS and a full handshake of TLS 1.2 EHLO | STARTTLS | ClientHello |
ClientKeyExchange..Finished | EHLO | MAIL..QUIT; one more where CHUNKING is not offered and DATA must be waited for."""
import pytest

from client import delivered
from proxy import client_flights, records

ALERT, CHANGE, HANDSHAKE, APPLICATION = 21, 20, 22, 23


@pytest.mark.parametrize("port, wanted", [
    ("clear", [b"EHLO", b"MAIL"]),
    ("clear_nochunking", [b"EHLO", b"MAIL", b"From"]),
])
def test_clear(postfix, mailmote, proxy, port, wanted):
    between = proxy(postfix.ports[port])
    delivered(mailmote.send(between, trust=False))
    talk = between.join()
    flights = client_flights(talk)
    assert [flight[:4] for flight in flights] == wanted
    assert flights[-1].endswith(b"QUIT\r\n")
    assert b"\r\n250 2.0.0 Ok:" in b"\r\n" + talk[-1][1]     # accepted in answer to the last flight


def starttls_flights(talk):
    """the flights of a session with STARTTLS, close_notify at its end not counted; checks what they are"""
    flights = client_flights(talk)
    assert flights[0][:4] == b"EHLO" and flights[1] == b"STARTTLS\r\n"
    kinds = [records(flight) for flight in flights[2:]]
    kinds = [kind for kind in kinds if kind != [ALERT]]
    assert kinds[0] == [HANDSHAKE]
    assert kinds[1][-2:] == [CHANGE, HANDSHAKE]
    assert all(set(kind) <= {APPLICATION, ALERT} for kind in kinds[2:])
    return 2 + len(kinds)


@pytest.mark.parametrize("port, wanted", [("starttls", 6), ("nochunking", 7)])
@pytest.mark.parametrize("trust", [True, False])
def test_starttls(postfix, mailmote, proxy, port, wanted, trust):
    between = proxy(postfix.ports[port])
    delivered(mailmote.send(between, trust=trust))
    assert starttls_flights(between.join()) == wanted


def test_login_costs_one_flight(postfix, mailmote, proxy):
    between = proxy(postfix.ports["submission"])
    delivered(mailmote.send(between, None, *mailmote.login))
    assert starttls_flights(between.join()) == 7
