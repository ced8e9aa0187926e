# SPDX-License-Identifier: MIT
"""What is written to the disk, and before what: the system calls of a run, in their order."""
import re
import shutil
import struct

import pytest

from pretend import pretend
from relay import COMMAND, DEFERRED, FAILED, OK, run
from test_spool import A, B, relay, spool, stored  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
CALLS = "mkdir,mkdirat,fsync,fdatasync,pwrite64,rename,renameat,renameat2,connect,sendto,write,unlinkat"
NAMES = [(r"/spool/tmp\.\w+", "temp"), (r"/spool/\w+\.mail", "mail"), (r"/spool/relays", "relays"), (r"/spool", "spool"),
         (r"/socket:.*", "relay"), (r"/pipe:.*", "report")]

NEW_SPOOL = ["mkdir spool", "fsync parent"]
STORED = ["pwrite64 temp", "fsync temp", "renameat temp mail", "fsync spool"]
STATE = ["pwrite64 mail", "fdatasync mail"]
BEGUN = [*STATE, "connect", "EHLO", "MAIL", "RCPT", "DATA", *STATE, "END", "QUIT", *STATE, *STATE]


def name_of(text, spool):
    if text == str(spool.path.parent):
        return "parent"
    for pattern, name in NAMES:
        if re.fullmatch(".*" + pattern, text):
            return name
    return None


def event(line, spool):
    """in a word or two, or None"""
    call, _, rest = line.partition("(")
    if call.startswith("mkdir") and "= 0" not in rest:
        return None
    if call == "connect":
        return call if "AF_INET" in rest else None
    if call == "sendto":
        said = re.search(r'"(.*?)"', rest)[1]
        return "END" if said.endswith(r"\r\n.\r\n") or said == r".\r\n" else said.split()[0].split("\\")[0]
    if call.startswith("rename"):
        words = [f"{spool.path}/{name}" for name in re.findall(r'"(.*?)"', rest)]
    elif call.startswith(("mkdir", "unlink")):
        words = [str(spool.path / re.search(r'"(.*?)"', rest)[1])]
    else:
        words = [re.match(r"\d+<(.*?)>[,)]", rest)[1].replace("socket:", "/socket:").replace("pipe:", "/pipe:")]
    names = [name_of(word, spool) for word in words]
    return None if None in names else " ".join([call, *names])


def events(spool, tmp_path, run):
    """of a run, one for each row of the same; the mail's text is left out"""
    trace = tmp_path / "trace"
    done = run(wrap=["strace", "-qq", "-y", "-s", "100000", "-o", trace, "-e", f"trace={CALLS}"])
    seen = [event(line, spool) for line in trace.read_text().splitlines() if not line.startswith("---")]
    seen = [one for one in seen if one is not None]
    return done, [one for last, one in zip([None, *seen], seen) if one != last]


def test_send(spool, relay, tmp_path):
    done, seen = events(spool, tmp_path, lambda wrap: spool.send(relay, wrap=wrap))
    assert done.returncode == OK
    assert seen == [*NEW_SPOOL, *STORED, *BEGUN, "write report", "unlinkat mail"]


def test_send_to_a_spool_that_is_there(stored, relay, tmp_path):
    stored.flush(relay, options=["--now"])
    _, seen = events(stored, tmp_path, lambda wrap: stored.send(relay, wrap=wrap))
    assert seen == [*STORED, *BEGUN, "write report", "unlinkat mail"]


def test_flush(stored, relay, tmp_path):
    """what the relays are remembered for is removed, and not written anew"""
    done, seen = events(stored, tmp_path, lambda wrap: stored.flush(relay, options=["--now"], wrap=wrap))
    assert done.verdicts == ["delivered"]
    assert seen == ["unlinkat relays", *BEGUN, "write report", "unlinkat mail"]


def test_reasons_are_on_the_disk_before_they_are_told(spool, relay, tmp_path):
    relay.replies = {A: "550 no", B: "450 later"}
    done, seen = events(spool, tmp_path, lambda wrap: spool.send(relay, to=(A, B), wrap=wrap))
    assert done.returncode == FAILED and seen[-5:] == [*STATE, "write report", *STATE]    # who was told
    assert b"no\0" in spool.file().path.read_bytes()


def test_delete(stored, tmp_path):
    """a mail that comes back when power goes would be sent"""
    number = stored.file().path.stem
    done, seen = events(stored, tmp_path, lambda wrap: run(COMMAND, "queue", "--spool", stored.path, "--delete", number, wrap=wrap))
    assert done.returncode == OK and seen == ["unlinkat mail", "fsync spool"]


@pytest.mark.parametrize("when", [1, 2, 3])
def test_what_is_not_on_the_disk_is_not_stored(spool, relay, when):
    """the mail; its directory's name, or its own in the directory, which is no reason not to keep a mail, is told"""
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject=fsync:error=EIO:when={when}"]
    done = spool.send(relay, wrap=wrap)
    assert "Input/output error" in done.stderr and done.stderr.count("\n") == 1
    assert (done.returncode, done.verdicts, len(relay.mails), spool.names()) == (OK, ["delivered"], 1, [])
    assert ["the name of", "it is tried at once, and not kept", f"mailmote: {spool.path} cannot be written to the disk: "][when - 1] in done.stderr


def test_states_that_are_not_written_spare_the_one_that_holds(stored, relay):
    """they all go to the other place"""
    before = stored.file().seq
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=2+"]
    done = stored.flush(relay, options=["--now"], wrap=wrap)
    assert (done.returncode, done.verdicts, relay.mails) == (DEFERRED, ["deferred"], [])
    data = stored.file().path.read_bytes()
    assert {struct.unpack_from("<I", data, at + 8)[0] for at in (0, 512)} == {before + 1, before + 2}


def test_a_state_is_written_over_in_place(spool, relay, tmp_path):
    """also where a file system writes each time to a new place, unless it is asked not to before the file has an octet"""
    trace = tmp_path / "trace"
    wrap = ["strace", "-qq", "-y", "-o", trace, "-e", "trace=ioctl,pwrite64", "-e", "inject=ioctl:retval=0"]
    assert spool.send(relay, wrap=wrap).returncode == OK
    first = [line for line in trace.read_text().splitlines() if "/spool/tmp." in line][:3]
    assert [line.partition("(")[0] for line in first] == ["ioctl", "ioctl", "pwrite64"]
    assert "FS_IOC_GETFLAGS, " in first[0] and "FS_IOC_SETFLAGS, [FS_NOCOW_FL]" in first[1], first


@pytest.mark.parametrize("error", ["ENOTTY", "EOPNOTSUPP"])
def test_a_file_system_that_cannot_be_asked(spool, relay, error):
    done = spool.send(relay, wrap=["strace", "-qq", "-o", "/dev/null", "-e", f"inject=ioctl:error={error}"])
    assert (done.returncode, done.stderr) == (OK, "")


@pytest.mark.parametrize("octets", [1, 100, 5000])
def test_a_disk_that_takes_and_gives_a_part_at_a_time(spool, relay, closed, octets):
    """keeps each octet of a mail, and in its place"""
    text = b"".join(b"line %d\n" % n for n in range(200 * min(octets, 5)))
    assert spool.send(closed, to=(A, B), text=text, wrap=pretend(PIECE=octets)).returncode == DEFERRED
    assert spool.queue("--show", spool.file().path.stem).stdout.endswith(b"\r\n\r\n" + text.replace(b"\n", b"\r\n"))
    done = spool.flush(relay, options=["--now"], wrap=pretend(PIECE=octets))
    assert (done.returncode, done.verdicts, done.stderr) == (OK, ["delivered"] * 2, "")
    assert relay.mails[0].text.endswith(b"\r\n\r\n" + text.replace(b"\n", b"\r\n")) and spool.files() == []
