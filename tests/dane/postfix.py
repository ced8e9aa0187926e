# SPDX-License-Identifier: MIT
"""Real Postfix, unpacked: as a mail host, and at level dane as the one to compare with."""
import re
import shutil
import subprocess
import sys
import time

from cell import begin_cell, end_cell
from clock import LIMIT_S
from net import host
from servers import Postfix as Recipe

START = """set -e
cp /cell/resolv.conf /etc/resolv.conf
mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix /var/lib/postfix
cp /cell/main.cf /cell/master.cf /etc/postfix
exec postfix start-fg
"""
MAIN = """compatibility_level = 3.6
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_protocols = ipv4
maillog_file = /cell/log
maillog_file_prefixes = /
"""
MAIL_HOST = """myhostname = mx.postfix.example
inet_interfaces = {address}
virtual_mailbox_domains = postfix.example
virtual_mailbox_base = /cell
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = may
smtpd_tls_chain_files = /cell/pki/postfix.key, /cell/pki/postfix.chain.pem
smtpd_tls_received_header = yes
"""
SENDER = """myhostname = client.example
inet_interfaces = all
mynetworks = 127.0.0.0/8
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_connect_timeout = 5
"""


class Postfix:
    def __init__(self, folder, net, space, listen, settings):
        self.state = folder
        for sub in ("new", "cur", "tmp"):
            (folder / "mail" / sub).mkdir(parents=True)
        shutil.copy(folder.parent / "resolv.conf", folder)
        shutil.copytree(folder.parent / "pki", folder / "pki")
        (folder / "start").write_text(START)
        (folder / "main.cf").write_text(MAIN + settings)
        (folder / "master.cf").write_text(f"{listen}:25 inet n - n - - smtpd\n{Recipe.services}\n")
        self.process = begin_cell(folder, Recipe, net.inside(space))
        self._until(lambda: "daemon started" in self.log())

    def _until(self, holds, limit_s=90):
        end = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end and self.process.poll() is None, self.log()[-3000:]
            time.sleep(0.05)

    def log(self):
        files = [file for file in (self.state / "out", self.state / "log") if file.exists()]
        return "".join(file.read_text(errors="replace") for file in files)

    def close(self):
        end_cell(self.process)


class MailHost(Postfix):
    def __init__(self, folder, net):
        address = host(6)
        super().__init__(folder, net, net.servers, address, MAIL_HOST.format(address=address))

    def taken(self):
        texts = [file.read_text(errors="replace") for file in sorted((self.state / "mail/new").iterdir())]
        return [{"host": host(6), "tls": " with ESMTPS " in text, "rcpts": [re.search(r"^X-Original-To: (.*)$", text, re.M)[1]]}
                for text in texts]


class Sender(Postfix):
    def __init__(self, folder, net):
        self.net = net
        super().__init__(folder, net, net.client, "127.0.0.1", SENDER)

    def send(self, *addresses):
        """all of them; they are worked on together"""
        script = ("import smtplib, sys\n"
                  "with smtplib.SMTP('127.0.0.1', 25, timeout=60) as relay:\n"
                  "    for to in sys.argv[1:]:\n"
                  "        relay.sendmail('', [to], 'Subject: hello\\n\\nhello\\n')\n")
        subprocess.run([*self.net.inside(self.net.client), sys.executable, "-c", script, *addresses], check=True, timeout=LIMIT_S)
        self._until(lambda: all(self.verdict(to) for to in addresses), 120)

    def verdict(self, to):
        """sent, deferred or bounced, and why; None: not yet"""
        found = re.search(rf"to=<{re.escape(to)}>.*status=(\w+) \((.*)\)$", self.log(), re.M)
        return found and found.groups()
