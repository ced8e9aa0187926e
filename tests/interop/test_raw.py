# SPDX-License-Identifier: MIT
"""A message that comes with its header: what is added, taken out, encoded, and refused. Python's parser reads what
arrives."""
import email
import email.policy
import random
import re
import time
from email.header import decode_header, make_header

import pytest

from pretend import pretend
from relay import BAD_INPUT, COMMAND, OK, Relay, run

A, FROM = "a@example.test", "s@example.org"
FULL = b"From: <f@example.org>\nTo: <a@example.test>\nDate: Thu, 20 Nov 2025 12:00:00 +0000\nMessage-ID: <1@x.test>\n"
TEXT = "Grüße, 世界 – façade €\n. \n.\nFrom here\n=20\tend \n"
LONG = "word " * 300 + "\n" + "x" * 3000 + "\nend\n"


@pytest.fixture
def relay():
    relay = Relay()                                  # no 8BITMIME
    yield relay
    relay.stop()


def send(relay, text, *options, status=OK, **more):
    done = run(COMMAND, "send", "--raw", "--relay", relay.where, "--helo", "client.example.org", "--from", FROM,
               *options, A, text=text, **more)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


def arrives(relay, text, *options, **more):
    """the mail as octets without the dots SMTP adds, and parsed"""
    send(relay, text, *options, **more)
    octets = re.sub(rb"(?m)^\.", b"", relay.mails[-1].text)
    assert max(map(len, octets.split(b"\r\n"))) <= 998 and b"\r" not in octets.replace(b"\r\n", b"")
    mail = email.message_from_bytes(octets, policy=email.policy.SMTP)
    assert not mail.defects, mail.defects
    return octets, mail


def same(mail, text):
    """asserts that a person reads this"""
    return mail.get_content().replace("\r\n", "\n").removesuffix("\n") == text.removesuffix("\n")


def test_missing_fields_are_added(relay):
    octets, mail = arrives(relay, b"Subject: x\n\nhello\n")
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 120 and mail["From"] == FROM
    assert re.fullmatch(r"<[0-9a-f]{16}@client.example.org>", mail["Message-ID"])
    assert sorted(mail.keys()) == ["Date", "From", "Message-ID", "Subject"] and mail.get_payload() == "hello\r\n"


@pytest.mark.parametrize("field", [b"", b"From: Ann\n", b"From: \n"])
def test_no_from_of_nobody(relay, field):
    """where there is no address to write, none is made up, nor is the field written empty"""
    done = run(COMMAND, "send", "--raw", "--relay", relay.where, "--from", "", A, text=field + b"Subject: x\n\nx\n",
               wrap=pretend(HOST="box", RESOLVER=0))
    fields = re.findall(rb"(?m)^From:.*\r$", relay.mails[0].text)
    assert done.returncode == OK and fields == ([b"From: Ann\r"] if b"Ann" in field else []) and relay.mails[0].sender == ""


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n", b"\r" * 9 + b"\n"])
def test_what_is_there_stays(relay, end):
    text = (FULL + b"X-Folded: a\n\tb\nSubject : odd\ndate: none\n\nhello\n").replace(b"\n", end)
    send(relay, text)
    assert relay.mails[0].text == text.replace(end, b"\r\n")


@pytest.mark.parametrize("text, sent", [
    (b"X: a\rb\r\n\r\nx", b"X: a b\r\n\r\nx"), (b"X: a\r", b"X: a \r\n\r\n"), (b"X: a\r\r", b"X: a  \r\n\r\n"), (b"X: a\r\n", b"X: a\r\n\r\n"),
    (b"X: a\n\n\rx\ry\n", b"X: a\r\n\r\n\r\nx\r\ny\r\n"), (b"X: a\rBcc: b@x.test\n\n", b"X: a Bcc: b@x.test\r\n\r\n")])
def test_a_cr_alone_is_a_blank_in_a_header(relay, text, sent):
    """to a relay it would begin another field; whatever stands in memory behind it"""
    send(relay, FULL + text, env={"MALLOC_PERTURB_": "245"})
    assert relay.mails[0].text == FULL.replace(b"\n", b"\r\n") + sent + b"\r\n" * (not sent.endswith(b"\n"))


def test_id_is_that_of_the_row(relay):
    done = send(relay, b"Subject: x\n\n")
    assert relay.mails[0].id == done.rows[0][0] + "@client.example.org"


@pytest.mark.parametrize("field", ["Bcc: b@x.test", "BCC:\n b@x.test,\n\tc@x.test,\n d@x.test", "bcc : b@x.test", "Bcc:",
                                   "Bcc: b@x.test\nBcc: c@x.test", "Resent-Bcc: b@x.test"])
def test_bcc_is_taken_out(relay, field):
    for text in FULL + field.encode() + b"\nSubject: x\n\nBcc: text\n", field.encode() + b"\n" + FULL + b"\nBcc: text\n":
        octets, mail = arrives(relay, text)
        assert octets.lower().count(b"bcc") == 1 and b"b@x.test" not in octets and b"@x.test," not in octets
        assert mail["Message-ID"] == "<1@x.test>" and mail.get_payload() == "Bcc: text\r\n"


@pytest.mark.parametrize("field", ["X-Mailmote-Uid: 0", "x-mailmote-UID\t: 0", "X-Mailmote-Uid:\n 0"])
def test_who_dropped_a_mail_is_ours_to_say(relay, field):
    """and of one that was not dropped nobody says it"""
    octets, mail = arrives(relay, f"{field}\nX-Mailmote-Uids: 1\n".encode() + FULL + f"{field}\n\n{field}\n".encode())
    assert "X-Mailmote-Uid" not in mail and mail["X-Mailmote-Uids"] == "1"
    assert mail.get_payload() == field.replace("\n", "\r\n") + "\r\n"


@pytest.mark.parametrize("name, value", [("From", ""), ("From", "\n ,"), ("To", " , \n\t,"), ("Cc", ","), ("Bcc", ""), ("Sender", " "),
                                         ("reply-to", ""), ("Resent-To", "\n "), ("Date", ""), ("Message-ID", "\n ")])
def test_empty_fields_are_as_good_as_missing(relay, name, value):
    """a script's variables are not set"""
    kept = b"".join(line + b"\n" for line in FULL.splitlines() if not line.startswith(f"{name}:".encode()))
    for text in f"{name}:{value}\n".encode() + kept, kept + f"{name}:{value}\n".encode():
        mail = arrives(relay, text + b"Subject:\nX-Empty:\n\nhello\n")[1]
        assert mail.get_all(name, []) == [word for word in mail.get_all(name, []) if word.strip()]
        assert len(mail.get_all(name, [])) == (name in ("From", "Date", "Message-ID"))
        assert (mail["Subject"], mail["X-Empty"]) == ("", "")


@pytest.mark.parametrize("names", [["MIME-Version"], ["Content-Type"], ["content-transfer-encoding"], ["Content-Disposition", "Content-ID"], ["In-Reply-To", "References", "List-Id"],
                                   ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]])
def test_empty_fields_of_mime_and_ids_are_as_good_as_missing(relay, names):
    """and the text is encoded as it is without them, for a relay that takes no 8 bits"""
    for value in "", " ", "\n\t":
        octets, mail = arrives(relay, "".join(f"{name}:{value}\n" for name in names).encode() + FULL + f"\n{TEXT}".encode())
        assert octets.isascii() and same(mail, TEXT) and mail["MIME-Version"] == "1.0"
        assert all(len(mail.get_all(name, [])) <= 1 and mail.get(name, "x").strip() for name in names), octets
        assert {"Content-ID", "Content-Disposition", "In-Reply-To", "References", "List-Id"}.isdisjoint(mail.keys())


def test_fields_that_say_little_stay(relay):
    assert b"\r\nCc: (nobody)\r\nReply-To: x:;\r\nComments:\r\nx-y:\r\nSubject:\r\n" in arrives(relay, FULL + b"Cc: (nobody)\nReply-To: x:;\nComments:\nx-y:\nSubject:\n\nhello\n")[0]


@pytest.mark.parametrize("field", ["Return-Path: <x@x.test>", "return-path:\n <x@x.test>", "Return-Path: <>", "Return-Path:"])
def test_return_path_is_taken_out(relay, field):
    """it is for whoever delivers the mail to write (RFC 5321 4.4)"""
    octets, mail = arrives(relay, field.encode() + b"\n" + FULL + b"\n" + field.encode() + b"\n")
    assert "Return-Path" not in mail and b"x@x.test" not in octets.partition(b"\r\n\r\n")[0]


def test_line_of_a_mailbox_is_taken_out(relay):
    octets, mail = arrives(relay, b"From s@x.test Thu Nov 20 12:00:00 2025\n" + FULL + b"\nFrom here\n")
    assert octets.startswith(b"From: <f@") and mail.get_payload() == "From here\r\n"


@pytest.mark.parametrize("text, line", [
    (b"hello world\n", 1), (b"\nhello\n", 1), (b"\r\n", 1), (b" folded: x\n\n", 1), (b"From s@x.test\n\nx\n", 2), (b": x\n", 1),
    (b"Subject: x\nhello world\n\nmore\n", 2), (b"Subject: x\n y\n z\nhello\n", 4), ("Größe: x\n\n".encode(), 1),
    (b"From s@x.test\nSubject: x\nhello\n", 3), (b"Subject x\n", 1)])
def test_no_header(relay, text, line):
    """is refused: it says which line"""
    done = send(relay, text, status=BAD_INPUT)
    assert f"line {line} of standard input is no header field" in done.stderr and "--raw" in done.stderr
    assert relay.talks == [] and done.stdout == b""


@pytest.mark.parametrize("end", [b"", b" ", b"\t", b" \t"])
def test_header_alone(relay, end):
    """the last line may be one of blanks"""
    assert arrives(relay, FULL + end)[1].get_payload() == ""


@pytest.mark.parametrize("head, charset", [
    ("", "utf-8"), ("Content-Type: text/plain\n", "utf-8"), ("Content-type: Text/Plain; format=flowed;\n", "utf-8"),
    ("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n", "utf-8"),
    ("MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n", "utf-8"), ("Content-Transfer-Encoding: BINARY\n", "utf-8"),
    ("Content-Type:\n text/html;\n\tCharset=\"utf-8\"\n", "utf-8"),
])
@pytest.mark.parametrize("text", [TEXT, TEXT * 50, TEXT.replace("\n", " ") * 50, "ü"])
def test_8bit_text(relay, head, charset, text):
    """goes as quoted-printable, to any relay"""
    octets, mail = arrives(relay, FULL + head.encode() + b"\n" + text.encode())
    assert octets.isascii() and mail["Content-Transfer-Encoding"] == "quoted-printable" and mail["MIME-Version"] == "1.0"
    assert mail.get_content_charset() == charset and same(mail, text)
    assert b";;" not in octets.partition(b"\r\n\r\n")[0]
    assert all(len(mail.get_all(name)) == 1 for name in set(mail.keys()))


def test_charset_that_is_said_stays(relay):
    text = "Grüße\n"
    octets, mail = arrives(relay, FULL + b"Content-Type: text/plain; charset=iso-8859-1\n\n" + text.encode("latin-1"))
    assert octets.isascii() and mail.get_content_charset() == "iso-8859-1" and same(mail, text)


def test_charset_without_a_value(relay):
    """stays: with another one there would be two"""
    octets, _ = arrives(relay, FULL + b"Content-Type: text/plain; charset\n\nGr\xfc\xdfe\n")
    assert b"\r\nContent-Type: text/plain; charset\r\n" in octets and octets.lower().count(b"charset") == 1


def test_charset_that_is_empty(relay):
    """is none: a subject of 8 bits is of one that nobody knows"""
    octets, _ = arrives(relay, b"Subject: Gr\xfc\xdfe\n" + FULL + b'Content-Type: text/plain; charset=""\n\nx\n')
    assert b"=?unknown-8bit?" in octets and b"=??" not in octets


def test_charset_that_nobody_knows(relay):
    octets, mail = arrives(relay, FULL + b"\nGr\xfc\xdfe\n")
    assert mail.get_content_charset() == "unknown-8bit" and mail.get_payload(decode=True) == b"Gr\xfc\xdfe\r\n"


WHOLE = [chr(first).encode() for first in (0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x1f401, 0x10ffff)]
BROKEN = [b"\x80", b"\xc3", b"\xc3(", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xe2\x28\xac", b"\xe2\x82\x28", b"\xed\xa0\x80",
          b"\xed\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x90", b"\xf0\x28\x90\x81", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"\xc3\xbc\xbc"]


@pytest.mark.parametrize("octets", [*WHOLE, *BROKEN], ids=bytes.hex)
def test_first_and_last_characters_of_utf8(relay, octets):
    """are UTF-8 in a text and in a header; what is no character makes all of it unknown"""
    charset = b"UTF-8" if octets in WHOLE else b"unknown-8bit"
    quoted = b"".join(b"=%02X" % octet if octet > 127 or octet == ord("(") else bytes([octet]) for octet in octets)
    for subject, text in (octets, octets), (b"a" + octets, octets + b"\nb"):
        written, _ = arrives(relay, FULL + b"Subject: " + subject + b"\n\n" + text + b"\n")
        assert b"charset=" + charset + b"\r\n" in written
        assert b"Subject: =?" + charset + b"?Q?" + subject.replace(octets, quoted) + b"?=\r\n" in written


@pytest.mark.parametrize("head", [b"", b"Content-Type: text/plain; charset=us-ascii\n"])
def test_long_lines(relay, head):
    octets, mail = arrives(relay, FULL + head + b"\n" + LONG.encode())
    assert max(map(len, octets.split(b"\r\n"))) <= 78 and same(mail, LONG)


@pytest.mark.parametrize("value, gap", [(b"two words " * 300, b""), (b"a\tb" * 700, b""), (b"x" * 3000, b" "), (b"x " + b"y" * 2000, b" "),
                                        (b" " * 990 + b"z" * 990, b" ")], ids=["words", "tabs", "one word", "two", "blanks"])
@pytest.mark.parametrize("name", [b"X-Long", b"Received", b"Content-Type"])
def test_long_header_lines(relay, name, value, gap):
    """are folded at a blank; a word that is too long gets one, and of blanks what has no room is left out. Nothing else is changed"""
    field = name + b": " + (b"text/plain; x=" if name == b"Content-Type" else b"") + value
    send(relay, FULL + b"X-Short: " + b"s" * 989 + b"\n" + field + b"\n\nhello\n")
    octets = relay.mails[-1].text
    assert b"\r\nX-Short: " + b"s" * 989 + b"\r\n" in octets
    written = octets[octets.index(b"\r\n" + name + b":") + 2:octets.index(b"\r\n\r\nhello")]
    lines = written.split(b"\r\n")
    assert max(map(len, lines)) <= 998 and all(line[:1] in b" \t" for line in lines[1:])
    assert b"".join(lines) == field or (gap and b"".join(lines).replace(b" ", b"") == field.replace(b" ", b""))


@pytest.mark.parametrize("crs", [1, 2, 3, 5000])
def test_ends_of_lines_wherever_a_piece_ends(relay, crs):
    """several CRs and an LF are one; CRs alone are so many"""
    lines = [b"x" * (i % 61) for i in range(30 if crs == 5000 else 2000)]
    send(relay, FULL + b"\n" + (b"\r" * crs + b"\n").join(lines) + b"\ry\r\rz" + b"\r" * crs)
    body = relay.mails[0].text.partition(b"\r\n\r\n")[2]
    assert body == b"\r\n".join([*lines, b"y", b"", b"z", *[b""] * crs])


@pytest.mark.parametrize("field", [b"To: ", b"To:", b"Cc: Ann <ann@x.test>, ", b"Cc: not an address, "])
@pytest.mark.parametrize("shift", range(5))
def test_long_line_of_addresses(relay, field, shift):
    """is folded between them, where there is no blank"""
    people = [b"customer%s%d@shop.test" % (b"x" * shift, i) for i in range(200)]
    send(relay, FULL.replace(b"To: <a@example.test>\n", b"") + field + b",".join(people) + b"\n\nhello\n")
    written = relay.mails[-1].text.partition(b"\r\n\r\nhello")[0]
    lines = written[written.index(b"\r\n" + field[:2]) + 2:].split(b"\r\n")
    assert 4 < len(lines) < 9 and max(map(len, lines)) <= 998 and all(line[:1] == b" " for line in lines[1:])
    assert [word.strip() for word in b"".join(lines).split(b",")][-199:] == people[1:] and lines[0] != b"To:"


def test_a_name_that_is_longer_than_a_line_is_none(relay):
    done = send(relay, FULL + b"X" * 1000 + b": x\n\nhello\n", status=BAD_INPUT)
    assert "is no header field" in done.stderr and relay.talks == []


@pytest.mark.parametrize("length, encoded", [(998, False), (999, True)])
def test_longest_line(relay, length, encoded):
    octets, mail = arrives(relay, FULL + b"\n" + b"x" * length + b"\n")
    assert (b"quoted-printable" in octets) == encoded and same(mail, "x" * length)


@pytest.mark.parametrize("head", [b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Transfer-Encoding: base64\n",
                                  b"Content-Type: application/json\n"])
def test_what_is_no_plain_text_is_left(relay, head):
    """its long lines are folded"""
    text = b"--b\n\n" + b"QUJD" * 400 + b"\n--b--\n"
    octets = arrives(relay, FULL + head + b"\n" + text)[0]
    assert octets.replace(b"\r\n ", b"").endswith(text.replace(b"\n", b"\r\n")) and b"quoted" not in octets


@pytest.mark.parametrize("subject", ["Wärme", "Wärme " * 20, "Wärme\n im\n\tKeller: 世界", "é" * 400,
                                     "Größe a?b?c?d?= ß =?a?b?c? ö =?a?= ü =??= ä =?a?b?c?d?= é ?= è"])
def test_subject(relay, subject):
    """reads as it was written; words that look half like encoded ones are no such"""
    octets, mail = arrives(relay, FULL + f"Subject: {subject}\n\nx\n".encode())
    assert octets.isascii() and mail["Subject"] == subject.replace("\n", "").replace("\t", " ").strip()
    assert mail.get_payload() == "x\r\n" and len(mail.get_all("Subject")) == 1


UE = "=?UTF-8?Q?=C3=BC?="


@pytest.mark.parametrize("field, written", [
    ("Subject: ~ x\x7f b \x1f c ü", f"Subject: ~ =?UTF-8?Q?x=7F?= b =?UTF-8?Q?=1F?= c {UE}"),
    ("Subject: ü  \t ü ü", "Subject: =?UTF-8?Q?=C3=BC____=C3=BC_=C3=BC?="), ("Subject: a  ü  \t b", f"Subject: a  {UE}    b"),
    ("Subject: azAZ09!*+-/ `{@[:._=? üazAZ09!*+-/`{@[:._=?,\"\\;",
     "Subject: azAZ09!*+-/ `{@[:._=? =?UTF-8?Q?=C3=BCazAZ09!*+-/=60=7B=40=5B=3A?=\r\n =?UTF-8?Q?=2E=5F=3D=3F=2C=22=5C=3B?="),
    ("From: ü =?x?q?~!?= a =?x?q?\x7f?= b =?x?q?c d?= =??= =???= =????= e =?????= ?=x?q?f=? =?x?q?g?=x <s@x.test>",
     f"From: {UE} =?UTF-8?Q?_?= =?x?q?~!?= a =?UTF-8?Q?=3D=3Fx?=\r\n"
     " =?UTF-8?Q?=3Fq=3F=7F=3F=3D?= b =?x?q?c d?= =??= =???= =????= e =?????=\r\n ?=x?q?f=? =?x?q?g?=x <s@x.test>"),
    ("From: =?x?q?a?= ü =?x?q?b?= <s@x.test>", f"From: =?x?q?a?= =?UTF-8?Q?_?= {UE} =?UTF-8?Q?_?= =?x?q?b?=\r\n <s@x.test>"),
    ('From: "ü =?x?q?,?= a" <s@x.test>', f"From: =?UTF-8?Q?=C3=BC_=3D=3Fx=3Fq=3F=2C=3F=3D?= a <s@x.test>"),
    *((f"Subject: {'x' * count} ü", f"Subject: {'x' * count}{gap} {UE}") for count, gap in ((48, ""), (49, "\r\n"))),
    *((f"Subject: ü {'x' * count}", f"Subject: {UE}{gap} {'x' * count}") for count, gap in ((48, ""), (49, "\r\n"))),
    *((f"Subject: ü{'x' * count}", f"Subject: {UE[:-2]}{'x' * 49}?={more}") for count, more in ((49, ""), (50, "\r\n =?UTF-8?Q?x?="))),
])
def test_encoded_words(relay, field, written):
    """octet by octet: which words are encoded, with what between them, what of them stands as it is, and where a line ends"""
    octets, _ = arrives(relay, field.encode() + b"\nTo: a@example.test\n\nx\n")
    name = written.partition(":")[0].encode()
    assert re.search(rb"(?m)^" + name + rb":.*\r\n(?:[ \t].*\r\n)*", octets)[0].decode() == written + "\r\n"


@pytest.mark.parametrize("count", [1, 133, 134, 265, 266, 300])
@pytest.mark.parametrize("form", ["filename=\"{}\"; size=3", "size=3;\n filename={}"])
def test_a_file_name_longer_than_a_line(relay, form, count):
    """is continued (RFC 2231 3), and whole again where it is read"""
    name = "ü" * count + ".txt"
    octets, mail = arrives(relay, FULL + f"Content-Disposition: attachment; {form.format(name)}\n\nx\n".encode())
    assert mail.get_filename() == name and mail["Content-Disposition"].params["size"] == "3"
    assert octets.count(b"filename*") == (6 * count + 4 - 1) // 798 + 1


WORDS = ["ü", "Grüße,", "世界", "e\u0301", "🐁" * 9, "plain", "a" * 70, "x.y", "x(c)x", '"q"', "=?", "?=", "c:\\x", "b" * 30 + "é", ";:", "@", "ß" * 60]


@pytest.mark.parametrize("seed", range(20))
def test_headers_at_random(relay, seed):
    """no line with an encoded-word is longer than 76 octets (RFC 2047 2), and Python reads what was written"""
    draw = random.Random(seed)

    def words(most):
        return " ".join(draw.choices(WORDS, k=draw.randrange(1, most)))
    texts = {f"X-{'N' * draw.randrange(1, 50)}-{number}": words(30) for number in range(30)}
    people = {f"{'r' * draw.randrange(1, 50)}{number}@x.test": words(9) for number in range(30)}
    listed = ['"%s" <%s>' % (re.sub(r'["\\]', r"\\\g<0>", name), address) for address, name in people.items()]
    fields = "".join(f"{name}: {text}\n" for name, text in texts.items())
    lists = f"Cc: {', '.join(listed[:10])}\nReply-To: {','.join(listed[10:])}\n"
    octets, mail = arrives(relay, FULL + f"{fields}{lists}\nx\n".encode())
    lines = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(len(line) for line in lines if b"=?UTF-8?Q?" in line) <= 76 and all(line.strip() for line in lines)
    plain = email.message_from_bytes(octets)
    assert {name: str(make_header(decode_header(plain[name]))) for name in texts} == texts
    read = {address.addr_spec: address.display_name for name in ("Cc", "Reply-To") for address in mail[name].addresses}
    assert without_blanks(read) == without_blanks(people)


def without_blanks(names):
    """some of Python's own stand between the encoded-words of a name"""
    return {address: name.replace(" ", "") for address, name in names.items()}


def test_a_text_is_not_limited_as_a_header_is(relay):
    body = b"".join(b"line %d\r\n" % number for number in range(60000))
    send(relay, FULL + b"\n" + body)
    assert relay.mails[0].text.partition(b"\r\n\r\n")[2] == body


def test_stored_as_it_is_sent(relay, tmp_path, closed):
    """another attempt sends the same octets"""
    spool = ["--spool", tmp_path / "spool"]
    done = run(COMMAND, "send", "--raw", *spool, "--relay", closed, "--helo", "client.example.org", "--from", FROM, A,
               text=b"Bcc: b@x.test\nSubject: x\n\n" + TEXT.encode())
    for _ in range(2):
        assert run(COMMAND, "flush", "--now", *spool, "--relay", relay.where).verdicts in (["delivered"], [])
    [mail] = relay.mails
    assert mail.id.startswith(done.rows[0][0]) and b"Bcc" not in mail.text and mail.text.isascii()


@pytest.mark.parametrize("raw", [["--raw"], []])
@pytest.mark.parametrize("seconds", [-1, 0, 60, 1767225599, 4294967296, 99999999999])
def test_no_date_of_a_clock_that_is_wrong(relay, raw, seconds):
    """before this was built, beyond 2106, and what a 32-bit time_t says after 2038: the mail is sent without"""
    done = run(COMMAND, "send", *raw, "--relay", relay.where, "--from", FROM, A, text=b"Subject: x\n\nx\n",
               wrap=pretend(REALTIME=seconds))
    assert done.returncode == OK and b"\nDate:" not in b"\n" + relay.mails[0].text
    assert b"Message-ID: <" in relay.mails[0].text


@pytest.mark.parametrize("seconds, date", [(1767225600, "Thu, 01 Jan 2026 00:00:00 +0000"),
                                           (4294967295, "Sun, 07 Feb 2106 06:28:15 +0000")])
def test_date_of_a_clock_that_may_be_right(relay, seconds, date):
    done = run(COMMAND, "send", "--relay", relay.where, "--from", FROM, A, text=b"x\n", wrap=pretend(REALTIME=seconds))
    assert done.returncode == OK and f"Date: {date}\r\n".encode() in relay.mails[0].text
