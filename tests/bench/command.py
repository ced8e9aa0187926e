#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print, side by side, what one verified mail takes with the command, static and dynamic, and with what appliances have in its
place, as a table in Markdown. Fail where one does not deliver. With names: those clients alone.

All hand a mail to the same Postfix: STARTTLS, a login, a chain of RSA 4096, 2048 and 2048, verified with the system's CA file and
the root of that chain behind its last certificate. The others are unpacked from Debian's packages, never installed."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "interop")]

from cell import BUILD, PASSWORD, USER, Ports, tree, why_not  # noqa: E402
from pki import Pki                                  # noqa: E402
from proxy import Proxy, client_flights              # noqa: E402
from servers import KERBEROS, SASL, Postfix          # noqa: E402
from test_cost import AUTHORITY, SYSTEM, certificate  # noqa: E402

LIMIT_S, RUNS = 120, 5
PARTING = 40                                         # octets at most of a QUIT or an alert in TLS
TO, FROM = "a@example.test", "s@example.org"
LIBRARY = "usr/lib/x86_64-linux-gnu"
# What is run or read as code, of all the files a program opens
CODE = re.compile(r"/[^/]*\.so[.0-9]*$|\.(pm|pl|al|ix|ph)$")
# In a mount namespace: dma's configuration and spool have fixed places
DMA = """set -e; mount -t tmpfs none /mnt; mkdir -p /mnt/up /mnt/work /mnt/dma
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work overlay /etc; mkdir -p /etc/dma
mount -t tmpfs none /var/spool; mkdir /var/spool/dma; chown mail:mail /var/spool/dma; chmod 2775 /var/spool/dma
printf '%s\\n' 'SMARTHOST localhost' "PORT $0" 'AUTHPATH /etc/dma/auth.conf' SECURETRANSFER STARTTLS 'SPOOLDIR /var/spool/dma' \
'MAILNAME client.example.org' >/etc/dma/dma.conf
printf '%s|localhost:%s\\n' "$1" "$2" >/etc/dma/auth.conf; chmod 644 /etc/dma/*; shift 2; exec "$@" """


class Relay(Postfix):
    smtpd = {leaf: f"{Postfix.encrypt} {Postfix.auth} -o smtpd_tls_chain_files=/cell/pki/{leaf}.key,/cell/pki/{leaf}.chain.pem"
             for leaf in ("long", "stranger")}
    port_names = tuple(smtpd)


class Client(typing.NamedTuple):
    name: str
    words: typing.Callable                           # of a Trial and a port: the command line
    packages: list = []
    keeps: str = "no"                                # this and the next, as its documents say
    tells: str = "exit status"
    licence: str = ""
    mail_on_fd_3: bool = False


def mailmote(command):
    return lambda here, port: [command, "send", "--raw", "--relay", f"localhost:{port}", "--from", FROM, "--helo",
                               "client.example.org", *here.told("--trust", here.bundle), "--user", USER,
                               "--password-file", here.password, TO]


def msmtp(here, port):
    here.file("msmtprc", f"account default\nhost localhost\nport {port}\ntls on\ntls_starttls on\n"
                         f"{' '.join(here.told('tls_trust_file', str(here.bundle)))}\nauth plain\nuser {USER}\npassword {PASSWORD}\nfrom {FROM}\n")
    return [here.root / "usr/bin/msmtp", "-C", here.scratch / "msmtprc", TO]


def dma(here, port):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", DMA, str(port), USER, PASSWORD, *here.wrap,
            here.without_rights(here.root / "usr/sbin/dma"), "-D", "-i", "-f", FROM, TO]


def nullmailer(here, port):
    return [here.root / "usr/lib/nullmailer/smtp", "--host=localhost", f"--port={port}", "--starttls", f"--user={USER}",
            f"--pass={PASSWORD}", *here.told(f"--x509cafile={here.bundle}")]


def s_nail(here, port):
    who = f"{urllib.parse.quote(USER, safe='')}:{urllib.parse.quote(PASSWORD, safe='')}"
    return [here.root / "usr/bin/s-nail", "-:/", "-Sv15-compat", f"-Smta=smtp://{who}@localhost:{port}", "-Ssmtp-use-starttls",
            "-Ssmtp-auth=plain", *here.told(f"-Stls-ca-file={here.bundle}", "-Stls-ca-no-defaults"), f"-Sfrom={FROM}",
            "-Shostname=client.example.org", "-t"]


def curl(here, port):
    return [here.root / "usr/bin/curl", "-sS", "--ssl-reqd", f"smtp://localhost:{port}/client.example.org", *here.told("--cacert", here.bundle),
            "--user", f"{USER}:{PASSWORD}", "--mail-from", FROM, "--mail-rcpt", TO, "--upload-file", "-"]


def swaks(here, port):
    return ["perl", here.root / "usr/bin/swaks", "--server", "localhost", "--port", str(port), "--tls",
            *here.told("--tls-verify", "--tls-ca-path", here.bundle), "--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD, "--from", FROM,
            "--to", TO, "--helo", "client.example.org", "--data", "-", "--silent", "2"]


KEEPS, TELLS = "yes, until it is delivered or expires", "exit status, log, a report by mail"
CLIENTS = [
    Client("mailmote, static", mailmote(BUILD / "static/mailmote"), [], KEEPS, TELLS, "MIT"),
    Client("mailmote", mailmote(BUILD / "mailmote"), [], KEEPS, TELLS, "MIT"),
    Client("msmtp", msmtp, ["msmtp", "libgsasl18", "libsecret-1-0", "libntlm0", "libidn12", "libgssglue1", *KERBEROS],
           licence="GPL-3+"),
    Client("dma", dma, ["dma"], "yes, 5 days", "log, a bounce", "BSD"),
    Client("nullmailer", nullmailer, ["nullmailer"], "yes, 7 days", "log, a bounce", "GPL-2+", True),
    Client("s-nail", s_nail, ["s-nail", *KERBEROS], "in dead.letter", licence="BSD"),
    Client("curl", curl, ["curl", "libcurl4", *KERBEROS, *SASL], licence="curl"),
    Client("swaks", swaks, ["swaks", "libnet-ssleay-perl", "perl-openssl-defaults"], licence="GPL-2+"),
]


class Watched(Proxy):
    """notes the most memory the client ever had"""
    peak_kb = 0

    def _asleep(self):
        try:
            status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            self.peak_kb = int((re.search(r"^VmHWM:\s*(\d+)", status, re.M) or [0, self.peak_kb])[1])
        except OSError:
            pass
        return super()._asleep()


class Trial:
    """a client, and the relay it talks to"""

    def __init__(self, client, relay, scratch):
        self.client, self.relay, self.scratch, self.wrap, self.runs = client, relay, scratch, [], 0
        self.trusting = True
        self.bundle, self.password = scratch / "bundle.pem", scratch / "password"
        self.root = tree(f"bench-{client.name}", client.packages) if client.packages else None

    def told(self, *words):
        """whom to trust, unless it is tried what the client does without"""
        return words if self.trusting else ()

    def file(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        path.chmod(0o600)

    def without_rights(self, program):
        """a copy without the bits that valgrind does not take"""
        path = self.scratch / program.name
        shutil.copyfile(program, path)
        path.chmod(0o755)
        return path

    def _environment(self):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "LOGNAME": "sender", "HOME": str(self.scratch),
               "MAILMOTE_CONF": "", "HELOHOST": "client.example.org"}
        if self.root:
            env["LD_LIBRARY_PATH"] = str(self.root / LIBRARY)
            env["PERL5LIB"] = ":".join(str(self.root / part) for part in ("usr/share/perl5", f"{LIBRARY}/perl5/5.36"))
        return env

    def run(self, port, wrap=(), watch=lambda pid: None, good=True):
        """one mail; returns what was said, and the subject"""
        self.wrap, self.runs = list(map(str, wrap)), self.runs + 1
        subject = f"{self.client.name.replace(', ', '-')}-{self.runs}-"
        text = f"From: <{FROM}>\r\nTo: <{TO}>\r\nSubject: {subject}\r\nDate: Thu, 20 Nov 2025 12:00:00 +0000\r\n" \
               f"Message-ID: <{subject}@example.org>\r\n\r\nhello\r\n"
        words = list(map(str, self.client.words(self, port)))
        words = words if words[0] == "unshare" else [*self.wrap, *words]
        mail = self.scratch / "mail"
        mail.write_text(f"{FROM}\n{TO}\n\n{text}".replace("\r\n", "\n"))
        if self.client.mail_on_fd_3:
            words, text = ["sh", "-c", 'exec "$@" 3<"$0"', str(mail), *words], ""
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self._environment(), cwd=self.scratch) as process:
            watch(process.pid)
            try:
                said = process.communicate(text.encode(), LIMIT_S)[0].decode(errors="replace")
            finally:
                process.kill()
        if good and process.returncode != 0:
            sys.exit(f"make bench-command: {' '.join(words)}: exit status {process.returncode}\n{said}")
        return said, subject

    def delivered(self, port, **more):
        said, subject = self.run(port, **more)
        assert b"hello" in self.relay.wait_for_mail(subject).raw
        return said

    def flights(self):
        """until the mail is accepted, and the most memory"""
        between = Watched(self.relay.ports["long"])
        self.delivered(between.port, watch=between.watch)
        sent = client_flights(between.join())
        while len(sent[-1]) <= PARTING:
            sent.pop()
        return len(sent), between.peak_kb

    def instructions(self):
        said = self.delivered(self.relay.ports["long"], wrap=["valgrind", "--tool=cachegrind", "--cache-sim=no", "--trace-children=yes",
                                                              "--cachegrind-out-file=/dev/null"])
        return sum(int(count.replace(",", "")) for count in re.findall(r"I\s+refs:\s+([\d,]+)", said))

    def octets(self):
        """of all files that are run, or read as code"""
        trace = self.scratch / "trace"
        self.delivered(self.relay.ports["long"], wrap=["strace", "-f", "-qq", "-y", "-e", "trace=openat,open,execve", "-o", trace])
        opened = set(re.findall(r"(?:open|openat)\(.*\) = \d+<(/.*)>$", trace.read_text(), re.M))
        run = set(re.findall(r'execve\("(.*?)".* = 0$', trace.read_text(), re.M))
        files = {pathlib.Path(name).resolve() for name in {name for name in opened if CODE.search(name)} | run}
        return sum(file.stat().st_size for file in files if file.exists())

    def seconds(self):
        """of CPU, the least of some"""
        spent, file = [], self.scratch / "times"
        for _ in range(RUNS):
            self.delivered(self.relay.ports["long"], wrap=["bash", "-c", '"$@"; status=$?; times >"$0"; exit $status', file])
            children = file.read_text().splitlines()[1]
            spent.append(sum(60 * int(m) + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", children)))
        return min(spent)

    def verifies(self):
        """without being told to: does a relay whose certificate is of another CA get no mail?"""
        self.trusting = False
        subject = self.run(self.relay.ports["stranger"], good=False)[1]
        self.trusting = True
        self.delivered(self.relay.ports["long"])         # what came before it is there by now
        return not any(subject.encode() in path.read_bytes() for path in (self.relay.state / "mail/new").iterdir())


def measure(trial):
    flights, memory = trial.flights()
    return {"octets": trial.octets(), "memory": memory, "instructions": trial.instructions(), "seconds": trial.seconds(),
            "flights": flights, "verifies": "yes" if trial.verifies() else "no"}


def table(clients, numbers):
    unit = next(n["seconds"] for client, n in zip(clients, numbers) if client.name == "mailmote")
    lines = ["| | octets, with libraries | memory, KB | instructions, millions | CPU | flights | verifies by default | keeps the mail "
             "| tells of failures | licence |", "|---|---:|---:|---:|---:|---:|---|---|---|---|"]
    for client, n in zip(clients, numbers):
        cells = [client.name, f"{n['octets']:,}", f"{n['memory']:,}", f"{n['instructions'] / 1e6:.0f}", f"{n['seconds'] / unit:.1f}",
                 str(n["flights"]), n["verifies"], client.keeps, client.tells, client.licence]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def prepare(scratch):
    for name in ("pki", "postfix"):
        (scratch / name).mkdir(mode=0o755)
    pki = Pki(scratch / "pki")
    names = ("root", "middle", "long")
    for name, key, issuer in zip(names, ("rsa:4096", "rsa:2048", "rsa:2048"), (None, *names)):
        certificate(pki.dir, name, key, issuer, ["subjectAltName=DNS:localhost"] if name == "long" else AUTHORITY)
    text = {name: (pki.dir / f"{name}.pem").read_text() for name in names}
    (pki.dir / "long.chain.pem").write_text(text["long"] + text["middle"])
    (scratch / "bundle.pem").write_text(SYSTEM.read_text() + text["root"])
    (scratch / "password").write_text(PASSWORD)
    (scratch / "password").chmod(0o600)
    return pki


def main(*names):
    if why_not():
        print(why_not(), "1 skipped", sep="\n")
        return
    scratch, ports = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-")), Ports()
    scratch.chmod(0o755)
    relay = Relay(scratch / "postfix", prepare(scratch), ports)
    relay.start()
    clients = [client for client in CLIENTS if not names or client.name in names]
    try:
        print(table(clients, [measure(Trial(client, relay, scratch)) for client in clients]))
    finally:
        relay.stop()
        ports.close()
        shutil.rmtree(scratch)


main(*sys.argv[1:])
