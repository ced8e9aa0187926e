# SPDX-License-Identifier: MIT
"""What `send` makes of its options: who gets the mail and who is seen, as a real server stored it."""
import email
import email.policy

from client import ALICE, BOB, delivered, new_token

CAROL = "c@example.test"


def read(mail):
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def compose(postfix, mailmote, *options, text=b"hello\n", to=(ALICE,)):
    token = new_token()
    result = mailmote.send(postfix, text, "--subject", token, *options, to=to, raw=False)
    return token, result


def test_copies(postfix, mailmote):
    """Cc is a field, Bcc is not; each gets the mail, and a line"""
    token, result = compose(postfix, mailmote, "--cc", BOB, "--bcc", CAROL)
    result.asked = (ALICE, BOB, CAROL)
    delivered(result)
    for to in (ALICE, BOB, CAROL):
        mail = postfix.wait_for_mail(token, to=to)
        assert read(mail)["To"] == ALICE and read(mail)["Cc"] == BOB
        assert CAROL.encode() not in mail.content


def test_nobody_but_bcc(postfix, mailmote):
    token, result = compose(postfix, mailmote, "--bcc", BOB, to=())
    result.asked = (BOB,)
    delivered(result)
    mail = postfix.wait_for_mail(token, to=BOB)
    assert "To" not in read(mail) and BOB.encode() not in mail.content
