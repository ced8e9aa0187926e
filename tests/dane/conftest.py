# SPDX-License-Identifier: MIT
"""The world of these tests: a network, a DNS, mail hosts; and the command in it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
from cases import ADDRESSES, CERTIFICATES, SMALL, zones  # noqa: E402
from cell import die_with_parent, why_not  # noqa: E402
from certificates import Certificates  # noqa: E402
from nameservers import Dns  # noqa: E402
from net import HOST_6, Net, host  # noqa: E402
from postfix import MailHost, Sender  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
COMMAND = os.environ["MAILMOTE"]


class World:
    def __init__(self, folder, mail_host=True):
        self.folder = folder
        (folder / "pki").mkdir()
        self.certificates = Certificates(folder / "pki")
        self.net = Net(ADDRESSES)
        self.dns = Dns(folder, self.net, zones(self.certificates))
        self.mails = folder / "mails"
        self.mails.touch()
        self.hosts = self._hosts()
        self.mail_host, self.why_not = None, why_not()
        if mail_host and not self.why_not:
            self.mail_host = MailHost(folder / "host", self.net)
        self.config = folder / "config"
        self.configure("")

    def configure(self, more, relay="relay mx:", sender="sender@example.org"):
        self.config.write_text(f"{relay}\nfrom {sender}\nhelo client.example\ndnssec-anchor {self.dns.anchor}\n{more}")

    def _hosts(self):
        asked = []
        for n, certificate in CERTIFICATES.items():
            one = {"address": host(n), **({"size": 10} if n == SMALL else {})}
            if certificate:
                alone = self.folder / "pki" / f"{certificate}.pem"
                one["chain"] = self.certificates.chain(certificate) if n != 7 else str(alone)
                one["key"] = self.certificates.key(certificate)
            asked.append(one)
        asked.append({"address": HOST_6, "chain": self.certificates.chain("one"), "key": self.certificates.key("one")})
        return self.start_hosts(asked)

    def start_hosts(self, asked):
        process = subprocess.Popen([*self.net.inside(self.net.servers), sys.executable, HERE / "hosts.py", self.folder],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        assert process.stdout.readline() == "listening\n"
        return process

    def inside(self, *words, resolv=None, hosts=None):
        """a command that runs where mail is sent from"""
        bind = f"mount --bind {resolv or self.folder / 'resolv.conf'} /etc/resolv.conf; "
        bind += f"mount --bind {hosts} /etc/hosts; " if hosts else ""
        bind += "exec \"$@\""
        return [*self.net.inside(self.net.client), "unshare", "--mount", "sh", "-ec", bind, "sh", *map(str, words)]

    def run(self, *words, text="hello\n", limit=60, within=(), **files):
        """within: what runs the command"""
        return subprocess.run(self.inside(*within, COMMAND, *words, **files), input=text, capture_output=True, text=True, timeout=limit,
                              cwd=self.folder)

    def send(self, *rcpts, options=(), **files):
        return self.run("send", "-C", self.config, "-v", *options, *rcpts, **files)

    def taken(self):
        """the mails so far"""
        mails = [json.loads(line) for line in self.mails.read_text().splitlines()]
        return mails + self.mail_host.taken() if self.mail_host else mails

    def taken_for(self, *rcpts):
        """those of them; a host may say that it has a mail a moment before it has put it away"""
        end = time.monotonic() + 20
        while True:
            found = [mail for mail in self.taken() if set(mail["rcpts"]) & set(rcpts)]
            if {rcpt for mail in found for rcpt in mail["rcpts"]} >= set(rcpts) or time.monotonic() > end:
                return found
            time.sleep(0.05)

    def close(self):
        if self.mail_host:
            self.mail_host.close()
        self.hosts.kill()
        self.hosts.wait()
        self.dns.close()
        self.net.close()


@pytest.fixture(scope="session")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-dane-"))
    folder.chmod(0o755)
    made = World(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sender(world):
    """Postfix, as whoever sends"""
    if world.why_not:
        pytest.skip(world.why_not)
    made = Sender(world.folder / "sender", world.net)
    yield made
    made.close()
