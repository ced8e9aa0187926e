# SPDX-License-Identifier: MIT
"""What faults.py does things to: a command, the mails that are there before it, and what the relays reply to it."""
import atexit
import dataclasses
import functools
import os
import pathlib
import shutil
import tempfile

from pretend import apart
from relay import COMMAND, DEFERRED, FAILED, OK, File, Spool, as_user, run

A, B, SENDER = "a@example.test", "b@example.test", "s@example.org"
EXPIRED_S, SHARE = 5 * 86400, 32
CONFIGURATION = f"from {SENDER}\nalias root: {A}\n"


@dataclasses.dataclass
class Scene:
    words: str                                           # the command under the fault
    stored: int | tuple = 0                              # mails in the spool before, or whom each of them is for
    replies: tuple = ({},)                               # of each relay
    to: tuple = (A,)
    status: int = OK                                     # without a fault
    how: str = "sent"                                    # came the mails into the spool: "sent", "dropped", "unnamed", "parted"
    age_s: int = 0                                       # of the mails in the spool

    def by_sendmail(self):
        """whose spool is the machine's; a mail of which it says 75 is not accepted"""
        return self.words.startswith("sendmail")

    def silent(self):
        """no lines are printed, and 0 says that the mail is stored"""
        return "--background" in self.words or self.by_sendmail()

    def shared(self):
        """all that goes is of one mail, with several ids: one that is dropped gets another one in the spool"""
        return len(self.to) > SHARE or self.how in ("dropped", "parted")


LATER, NO, EACH_TAKES_ONE = ({"END": "450 later"},), ({"END": "550 no"},), ({B: "450 later"}, {A: "450 later"})
ONE_NO = ({A: "550 no", B: "450 later"},)
MANY = tuple(f"{n}@example.test" for n in range(SHARE + 1))
SCENES = {"send": Scene("send"), "send, deferred": Scene("send", 0, LATER, status=DEFERRED),
          "send, refused": Scene("send", 0, NO, status=FAILED), "send, two relays": Scene("send", 0, EACH_TAKES_ONE, (A, B)),
          "background": Scene("send --background"), "background, deferred": Scene("send --background", 0, LATER),
          "background, refused": Scene("send --background", 0, ({A: "550 no"},)),
          "flush": Scene("flush --now", 1), "flush, deferred": Scene("flush --now", 1, LATER, status=DEFERRED),
          "flush, refused": Scene("flush --now", 1, NO, status=FAILED), "flush, two mails": Scene("flush --now", 2),
          "flush, refused, kept": Scene("flush --now", ((A, B),), ONE_NO, status=FAILED),
          "flush, expired": Scene("flush --now", 1, ({A: "450 later"},), status=FAILED, age_s=EXPIRED_S),
          "flush, two relays": Scene("flush --now", 1, EACH_TAKES_ONE, (A, B)),
          "flush, kept, two relays": Scene("flush --now", ((A,), (A,), (B,), (A, B)), EACH_TAKES_ONE),
          "flush, unnamed": Scene("flush --now", 1, how="unnamed")}
if os.geteuid() == 0:                                    # who alone can be several users, and have a mount of his own
    SCENES["sendmail, shares"] = Scene("sendmail -odi", 0, ({"MAIL": "450 later"},), MANY)
    SCENES["flush, dropped"] = Scene("flush --now", 1, how="dropped")


@functools.lru_cache(maxsize=None)
def command_of_all():
    """made before there are threads: whatever they start would hold it open for writing for a while"""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-faults-"))
    atexit.register(shutil.rmtree, directory)
    directory.chmod(0o711)
    return shutil.copy(COMMAND, directory)


class Stage:
    """a scene's directory; `before` are the mails that are in it at first, and whom each of them is for"""

    def __init__(self, scene, directory):
        self.scene, self.directory = scene, directory
        self.spool, self.trace = Spool(directory / "mailmote"), directory / "trace"
        self.options = []                                # of each flush

    def call(self, relays, wrap):
        """of which the scene is"""
        command, *options = self.scene.words.split()
        if command == "flush":
            return self.flush(relays, options, wrap)
        if command == "send":
            return self.spool.send(*relays, to=self.scene.to, options=options, wrap=wrap)
        configuration = self.directory / "configuration"
        configuration.write_text("".join(f"relay {relay.where}\n" for relay in relays))
        return run(COMMAND, command, "-C", configuration, "-f", SENDER, *options, *self.scene.to, text=b"Subject: x\n\nhello\n",
                   wrap=[*apart(self.directory), *wrap])

    def flush(self, relays, options=("--now",), wrap=()):
        return self.spool.flush(*relays, options=[*options, *self.options], wrap=wrap)

    def fill(self, relays):
        """the relays defer whatever they are asked"""
        scene = self.scene
        stored = scene.stored if isinstance(scene.stored, tuple) else (scene.to,) * scene.stored
        store = {"sent": self._send, "parted": self._send, "dropped": self._drop, "unnamed": self._call}[scene.how]
        self.before = {store(relays, to): to for to in stored}
        for age, name in enumerate(reversed(self.before)):   # the first one goes first
            if (self.spool.path / f"{name}.mail").exists():
                file = File(self.spool.path / f"{name}.mail")
                file.age = scene.age_s + age
                file.write()

    def _send(self, relays, to):
        return self.spool.send(*relays, to=to).rows[0][0]

    def _drop(self, _, to):
        """a user's"""
        self.directory.chmod(0o711)
        self.spool.share()
        user = Spool(self.spool.path, command_of_all())
        done = user.send("relay.test", to=to, options=["--background"], wrap=as_user())
        assert done.returncode == OK, done.stderr
        [file] = self.spool.drop.glob("*.mail")
        return file.stem

    def _call(self, *_):
        """by sendmail, where no configuration says yet who root is"""
        unnamed, named = self.directory / "unnamed", self.directory / "named"
        unnamed.write_text(f"spool {self.spool.path}\n")
        named.write_text(CONFIGURATION)
        self.options = ["-C", named]
        done = run(COMMAND, "sendmail", "-C", unnamed, "root", text=b"Subject: x\n\nhello\n")
        assert done.returncode == OK, done.stderr
        [file] = self.spool.files()
        return file.path.stem
