# SPDX-License-Identifier: MIT
"""Aliases: lines of the configuration and a file as /etc/aliases; nested, quoted, continued, in a circle, and what no alias
may be."""
import pytest

from relay import BAD_CONFIG, COMMAND, DEFERRED, OK, USAGE, Relay, run

FILE = """# whom to tell
root:   ops, boss@example.com   # the owner
Ops: a@example.com,
  # gone@example.com, and "more"
\tb@example.com,
  c@example.com
postmaster: root
command: "|/usr/bin/vacation a, b"
command2: |/usr/bin/vacation
file: /var/mail/x
list: :include:/etc/list
mixed: /dev/null, "|/bin/x"
loop1: loop2
loop2: "Loop3"
loop3: LOOP1
self: \\self, ops
"quoted name" : q@example.com
"quoted": "q2@example.com"
nobody:
odd: a b@example.com
twice: ops, a@example.com, ops
"""


@pytest.fixture(scope="module")
def relay():
    made = Relay()
    yield made
    made.stop()


@pytest.fixture
def send(relay, tmp_path):
    """returns whom the relay was given"""
    def call(file, *to, lines="", status=OK, options=()):
        (tmp_path / "aliases").write_bytes(file.encode())
        (tmp_path / "conf").write_text(f"relay {relay.where}\nfrom s@example.org\n{lines}aliases {tmp_path}/aliases\n")
        before = len(relay.mails)
        done = run(COMMAND, "send", "-C", tmp_path / "conf", *options, *to, text=b"x\n")
        assert done.returncode == status, done.stderr
        call.says = done.stderr.replace(str(tmp_path), "")
        return [address for mail in relay.mails[before:] for address in mail.to]
    return call


@pytest.mark.parametrize("to, whom", [
    (["ops"], "a b c"), (["OPS"], "a b c"), (["root"], "a b c boss"), (["postmaster"], "a b c boss"),
    (["self"], "self@example.org a b c"), (["quoted name"], "q"), (["quoted"], "q2"), (["twice"], "a b c"),
    (["ops", "root"], "a b c boss"), (["x@example.com", "ops"], "x a b c"), (["unknown"], "unknown@example.org"),
    (["ops@example.com"], "ops"), (["\\ops"], "ops@example.org")])
def test_whom(send, to, whom):
    assert send(FILE, *to) == [word if "@" in word else f"{word}@example.com" for word in whom.split()]
    assert send.says == ""


def test_names_of_copies(send, relay):
    """are aliases as those of recipients are; the header has whom they stand for, and nobody of --bcc"""
    assert send(FILE, "x@example.com", options=["--cc", "ops", "--cc", "me", "--bcc", "root", "--bcc", "you"]) == [
        "x@example.com", "a@example.com", "b@example.com", "c@example.com", "me@example.org", "boss@example.com", "you@example.org"]
    header = b" ".join(relay.mails[-1].text.partition(b"\r\n\r\n")[0].split())
    assert b" Cc: a@example.com, b@example.com, c@example.com, me@example.org " in header + b" " and b"boss" not in header and b"you" not in header


@pytest.mark.parametrize("default", ["*: any@example.com", "default: any@example.com", "*: any\nany: any@example.com"])
def test_default(send, default):
    """is for names that nobody has, also where an alias leads to one"""
    assert send(f"root: bob, carol@example.com\n{default}\n", "root", "x", "y@example.com") == [
        "any@example.com", "carol@example.com", "y@example.com"]


def test_default_of_no_alias(send):
    """whom it names without an alias is who he is: it is not asked again for him"""
    assert send("*: root\n", "x") == ["root@example.org"]
    assert send("*: root, bob\n", "x", "bob") == ["root@example.org", "bob@example.org"] and send.says == ""
    assert send("*: ops\nops: root, bob\n", "x") == ["root@example.org", "bob@example.org"] and send.says == ""


@pytest.mark.parametrize("line", ["x : ops@example.com", "x\t: ops@example.com", "x:ops@example.com", '"x" : ops@example.com'])
def test_name_of_one_octet(send, line):
    """may have blanks behind it, and none in front"""
    assert send(f"{line}\n", "x") == ["ops@example.com"] and send.says == ""
    assert send("", "x", lines=f"alias {line}\n") == ["ops@example.com"] and send.says == ""
    assert send(f" {line}\n", "x") == ["x@example.org"] and "/aliases:1: warning" in send.says


def test_lines_come_first(send):
    lines = "alias ops: line@example.com # told\nalias \"a b\": root\nmaildomain other.example.org\n"
    assert send(FILE, "root", "a b", "me", lines=lines) == ["line@example.com", "boss@example.com", "me@other.example.org"]


@pytest.mark.parametrize("to, line, says", [
    ("command", 8, ["|/usr/bin/vacation a, b", "no command"]), ("command2", 9, ["|/usr/bin", "no command"]),
    ("file", 10, ["/var/mail/x", "no file"]), ("list", 11, [":include:/etc/list", "no list"]),
    ("mixed", 12, ["/dev/null"]), ("loop1", 15, ["loop1 -> loop2 -> Loop3 -> LOOP1"]),
    ("loop3", 14, ["loop3 -> LOOP1 -> loop2 -> Loop3"]), ("nobody", 19, ["nobody"]),
    ("odd", 20, ["a b@example.com", "RFC 5321"])])
def test_refused(send, to, line, says):
    """with the line, when that name gets a mail, and not otherwise; where nobody is left, nobody gets it"""
    assert send(FILE, to, "ops", status=BAD_CONFIG) == []
    assert send.says.startswith(f"mailmote: /aliases:{line}: ") and send.says.count("\n") == 1 + (to == "mixed"), send.says
    assert all(word in send.says for word in says), send.says


@pytest.mark.parametrize("target, why", [
    *((target, "an alias runs no command and writes no file: give an address") for target in ("|", "|x", "/", "/x", '"|"', '"/ x"')),
    *((target, "an alias reads no list: give the addresses here") for target in (
        ":include:", ":Include:x", ":include: x", '":include:"', ":INCLUDE:/x@example.com", ":include:@localhost")),
    *((target, "it is not an address of RFC 5321") for target in (":include", ":include/", ":includes:x", " :", "x:include:", "x|@")),
    *((target, "its alias names nobody: give an address") for target in ('""', "\\", '"\\"', "@localhost", "\\@LOCALHOST"))])
def test_what_a_target_is_not(send, target, why):
    """from the shortest one on, in the middle of others"""
    assert send(f"root: a@example.com, {target}, b@example.com\n", "root") == ["a@example.com", "b@example.com"]
    name = "root" if "nobody" in why else target.strip(' "').replace("@localhost", "")
    assert send.says == f"mailmote: /aliases:1: {name}: {why}\n"


@pytest.mark.parametrize("targets", ['""', "\\", '"\\"', "@localhost"])
def test_quotes_around_nothing(send, targets):
    """are nobody: a mail that would go to none of its recipients is refused"""
    assert send(f"root: {targets}\n", "root", status=BAD_CONFIG) == [] and "names nobody" in send.says


def test_too_many(send):
    many = ", ".join(f"n{i}@example.com" for i in range(33))
    for again in ("n0", "n31"):                          # who is named twice counts once
        assert len(send(f"root: {many.rsplit(', ', 1)[0]}, {again}@example.com\n", "root")) == 32
    assert send(f"root: {many}\n", "root", status=BAD_CONFIG) == [] and "more than 32 addresses" in send.says
    doubled = "".join(f"d{i}: d{i + 1}, d{i + 1}\n" for i in range(40))
    assert send(doubled + "d40: a@example.com\n", "d0", status=BAD_CONFIG) == [] and "too many names" in send.says
    deep = "".join(f"d{i}: d{i + 1}\n" for i in range(200))
    assert send(deep + "d200: a@example.com\n", "d0") == ["a@example.com"]


def test_many_names(send):
    """the limit is one name's"""
    names = [f"n{i}" for i in range(300)]
    assert send("".join(f"{name}: a@example.com\n" for name in names), *names) == ["a@example.com"]


@pytest.mark.parametrize("spool, status", [(False, OK), (True, USAGE)])
def test_many_recipients(send, tmp_path, spool, status):
    """are counted when the names have become addresses"""
    file = "".join(f"l{n}: {', '.join(f'n{n}-{i}@example.com' for i in range(20))}\n" for n in range(2))
    options = ["--spool", tmp_path / "spool"] if spool else []
    assert len(send(file, "l0", "l1", status=status, options=options)) == (40 if not spool else 0)
    assert not spool or "more than 32 recipients" in send.says


@pytest.mark.parametrize("line", ["root", "root\n# no: colon", "root # : x", "root\t# no: colon", "  folded: x", "# ok\n  : x", ": x", '"root: x', '"": x'])
def test_damaged_line(send, line):
    """is told of and left out: the other names still work"""
    text = f"\n\n{line}\nops: a@example.com\n"
    assert send(text, "ops") == ["a@example.com"]
    assert "warning" in send.says and send.says.startswith(f"mailmote: /aliases:{3 + line.startswith('#')}: ")
    assert send.says.count("\n") == 1


@pytest.mark.parametrize("between", ["# on call", "", "\r", "# on: call\n\n#", "  # b@example.org,", " \n# x\n\t"])
def test_comments_and_empty_lines(send, between):
    """end no alias: a line that begins with a blank goes on with what stands before them"""
    assert send(f"# first: x\n\nroot: a@example.com,\n{between}\n  b@example.com\n#ops: x\nops: c@example.com", "root", "ops") == [
        "a@example.com", "b@example.com", "c@example.com"]
    assert send.says == ""


@pytest.mark.parametrize("line", ["root # : ops@example.com", "# root: ops@example.com"])
def test_comment_in_front_of_the_colon(send, line):
    """is no part of a name, nor is the colon in it one behind a name"""
    assert send("", "root", lines=f"alias {line}\n", status=BAD_CONFIG) == [] and f"alias {line}: give NAME: ADDRESS" in send.says
    assert send('root#1: a@example.com\n"root # 2": b@example.com\nr#: c@example.com\n', "root#1", "root # 2", "r#") == [
        "a@example.com", "b@example.com", "c@example.com"]


@pytest.mark.parametrize("line", ['"root: ops@example.com"', ' "root: ops@example.com" \t', '  root: "ops@example.com"',
                                  '"root": "ops@example.com"'])
def test_quotes_around_a_line(send, line):
    assert send("", "root", lines=f"alias {line}\n") == ["ops@example.com"] and send.says == ""


@pytest.mark.parametrize("target, to", [("ops@localhost", "a@example.com"), ("ops@LocalHost", "a@example.com"),
                                        ("me@localhost", "me@example.org"), ('"u@evil"@localhost', '"u@evil"@example.org'), ("\\ops@localhost", "ops@example.org"),
                                        ("ops@localhost.example.net", "ops@localhost.example.net")])
def test_name_at_localhost(send, target, to):
    """is a local name, as it is of a recipient"""
    assert send(f"root: {target}\nops: a@example.com\n", "root") == [to] and send.says == ""


@pytest.mark.parametrize("target", ["u@evil.test@localhost", "\\u@evil.test@localhost", "u@localhost@evil.test", 'u@evil.test"@localhost'])
def test_two_ats(send, target):
    """are no address: nobody gets the mail, least of all who is behind the first"""
    assert send(f"root: {target}\n", "root", status=BAD_CONFIG) == [] and "it is not an address" in send.says


@pytest.mark.parametrize("target", ['"|/usr/bin/x -y, z"', "/var/mail/root", "/dev/null", ":include:/etc/list", '""', "a b@example.com",
                                    "u@evil.test@localhost", "loop", "command"])
def test_others_beside_what_is_refused(send, target):
    """get the mail, wherever it stands"""
    for line in f"root: {target}, ops", f"root: ops, {target}", f"root: {target}, ops, {target}", f"root: b\nb: {target}, ops":
        file = f"{line}\nops: a@example.com\nloop: loop2\nloop2: loop\ncommand: |/bin/x\n"
        assert send(file, "root") == ["a@example.com"], line
        assert send.says.count("\n") == line.count(target) and send.says.count("mailmote: /aliases:") == line.count(target), send.says


def test_circle_costs_nobody_else(send):
    assert send("root: a@example.com, ops\nops: b@example.com, root\n", "root") == ["a@example.com", "b@example.com"]
    assert "in a circle: root -> ops -> root" in send.says


def test_a_long_circle_is_cut(send):
    """in the middle of a name, of an arrow or between them: what is told of it has 999 octets, and is its beginning"""
    for whole in [*range(990, 1012), 1300, 2400]:
        names = ["root", *(letter * 150 for letter in "bcdefg"), "h" * (whole - 4 - 6 * 154 - 4 - 8)]
        way = " -> ".join([*names, "root"])
        assert len(way) == whole
        file = "".join(f"{name}: {to}\n" for name, to in zip(names, [*names[1:], "root"]))
        assert send(file, "root", status=BAD_CONFIG) == []
        assert send.says == f"mailmote: /aliases:8: aliases go in a circle: {way[:999]}: take one of them out\n", whole


@pytest.mark.parametrize("target", ["root", "ROOT", "\\root", "root@localhost", '"root"'])
def test_name_in_its_own_alias(send, target):
    """is the name without its alias"""
    for line in f"root: {target}", f"root: {target}, ops@example.com", f"root: ops@example.com, {target}", f"*: {target}, ops@example.com":
        assert sorted(word.lower() for word in send(f"x: y\n{line}\n", "root")) == sorted(
            ["root@example.org"] + ["ops@example.com"] * ("ops" in line)) and send.says == "", line


def test_unreadable(send, relay, tmp_path):
    assert send("root: x\0y@example.com\n", "root", status=BAD_CONFIG) == [] and "/aliases:1: a NUL character" in send.says
    (tmp_path / "conf").write_text(f"relay {relay.where}\nfrom s@example.org\naliases /no/such\n")
    done = run(COMMAND, "send", "-C", tmp_path / "conf", "root", text=b"x\n")
    assert done.returncode == BAD_CONFIG and "aliases /no/such cannot be read" in done.stderr


def test_endings(send):
    assert send("root: ops,\r\n\tb@example.com\r\nops: a@example.com", "root") == ["a@example.com", "b@example.com"]


def test_kept(send, relay, tmp_path):
    """what is stored is addresses"""
    relay.replies["MAIL"] = "451 later"
    send(FILE, "root", status=DEFERRED, options=["--spool", tmp_path / "spool"])
    relay.replies = {}
    rows = run(COMMAND, "queue", "--spool", tmp_path / "spool").rows
    assert [row[4] for row in rows] == [f"{name}@example.com" for name in ("a", "b", "c", "boss")]
