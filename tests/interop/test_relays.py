# SPDX-License-Identifier: MIT
"""Several relays are tried in order; a recipient is asked of the next one only while it has no final verdict."""
import pytest

from client import ALICE, DEFERRED, FAILED, GONE, LATER, REFUSED, deferred, delivered, new_token, raw_mail
from test_delivery import in_tls


@pytest.fixture
def closed(farm):
    """a port where nobody listens"""
    return farm.free.take()


def test_second_relay_when_the_first_is_down(postfix, closed, mailmote):
    token = new_token()
    delivered(mailmote.send([closed, postfix.ports["starttls"]], raw_mail(token)))
    assert postfix.wait_for_mail(token).content == raw_mail(token)


def test_first_relay_is_preferred(aiosmtpd, closed, mailmote):
    token = new_token()
    result = delivered(mailmote.send([aiosmtpd.ports["starttls"], closed], raw_mail(token)))
    aiosmtpd.wait_for_mail(token)
    assert result.verbs().count("MAIL") == 1


def test_all_down(closed, farm, mailmote):
    deferred(mailmote.send([closed, farm.free.take()]), "connect|refused")


def test_second_relay_when_the_first_has_broken_starttls(farm, postfix, mailmote):
    token = new_token()
    relays = [farm["opensmtpd"].ports["broken"], postfix.ports["starttls"]]
    delivered(mailmote.send(relays, raw_mail(token), trust=False))
    assert in_tls(postfix.wait_for_mail(token))


def test_second_relay_when_the_first_has_a_wrong_certificate(postfix, mailmote):
    token = new_token()
    delivered(mailmote.send([postfix.ports["expired"], postfix.ports["starttls"]], raw_mail(token)))
    assert in_tls(postfix.wait_for_mail(token))


def test_second_relay_when_the_first_has_no_login(postfix, aiosmtpd, mailmote):
    token = new_token()
    delivered(mailmote.send([aiosmtpd.ports["noauth"], postfix.ports["submission"]], raw_mail(token), *mailmote.login))
    postfix.wait_for_mail(token)


def test_a_deferred_recipient_is_offered_to_the_next_relay(postfix, aiosmtpd, mailmote):
    """both say 250 to one, 450 to the second, 550 to the third; the second relay is asked for the second alone"""
    token = new_token()
    relays = [postfix.ports["starttls"], aiosmtpd.ports["starttls"]]
    result = mailmote.send(relays, raw_mail(token), to=(ALICE, LATER, GONE))
    assert result.status == DEFERRED
    assert [(row.verdict, row.code) for row in result.rows] == [("delivered", 250), ("deferred", 450), ("failed", 550)]
    assert postfix.wait_for_mail(token).recipients == [ALICE]
    assert aiosmtpd.count(token) == 0
    asked = [line for line in result.said if line.startswith("RCPT")]
    assert asked == [f"RCPT TO:<{address}>" for address in (ALICE, LATER, GONE, LATER)]


def test_a_refused_recipient_is_not_offered_again(postfix, aiosmtpd, mailmote):
    result = mailmote.send([postfix.ports["starttls"], aiosmtpd.ports["starttls"]], to=(GONE,))
    assert result.status == REFUSED and result.verbs().count("RCPT") == 1
