# SPDX-License-Identifier: MIT
"""How a mail server of the distribution runs without being installed: its packages are downloaded and unpacked
into the build directory, and cell.sh starts it in a private world that ends with one process."""
import ctypes
import fcntl
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from clock import LIMIT_S
from inbox import Mailbox

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("MAILMOTE_BUILD") or os.environ.get("BUILD") or "build").resolve()
DOMAIN, USER, PASSWORD = "example.test", "alice@example.test", "correct horse=battery+staple"
SIZE_LIMIT = 1048576
START_S = 60
UNSHARE = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private"]


def run(*args, **kw):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, **kw)
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        raise RuntimeError(f"{' '.join(map(str, args))}: exit status {done.returncode}\n{said}")


NPM = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]


def tree(name, packages, npm=None):
    """the directory with these packages of Debian unpacked, or with this one of npm; made once, and made again when the list changes"""
    top = BUILD / "servers"
    (top / "debs").mkdir(parents=True, exist_ok=True)
    done = top / f"{name}-{hashlib.sha256(' '.join([*packages, *[npm] * bool(npm)]).encode()).hexdigest()[:8]}"
    with open(top / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            with tempfile.TemporaryDirectory(dir=top) as work:
                unpack(download(top / "debs", packages, work), pathlib.Path(work) / "tree")
                if npm:
                    run(*NPM, "--prefix", pathlib.Path(work) / "tree", npm)
                (pathlib.Path(work) / "tree").rename(done)
    return done


def download(debs, packages, work):
    missing = [p for p in packages if not list(debs.glob(f"{p}_*.deb"))]
    if missing:
        fetch = "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *missing
        try:
            run(*fetch, cwd=work)
        except RuntimeError:                         # the package lists may be absent or old
            run("apt-get", "-q", "update")
            run(*fetch, cwd=work)
        for deb in pathlib.Path(work).glob("*.deb"):
            deb.rename(debs / deb.name)
    return [next(debs.glob(f"{p}_*.deb")) for p in packages]


def unpack(debs, root):
    root.mkdir()
    for deb in debs:
        run("dpkg", "-x", deb, root)
    for name in ("bin", "sbin", "lib", "lib64"):     # merged into usr, as they are in the root the tree is laid over
        if (root / name).is_dir():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / name)
    for name in ("doc", "man", "locale", "lintian"):
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)


def why_not():
    """why no cell can be made here, or None"""
    if os.geteuid() != 0:
        return "needs root (the server runs in a mount namespace of its own)"
    probe = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "cell", "/mnt"], capture_output=True, timeout=LIMIT_S)
    return None if probe.returncode == 0 else "no mount namespace can be made here: " + probe.stderr.decode().strip()


class Ports:
    """Free ports on 127.0.0.1 that stay ours: bound here, never listening; nobody gets one who does not ask for it."""

    def __init__(self):
        self.held = []

    def take(self):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        self.held.append(s)
        return s.getsockname()[1]

    def close(self):
        for s in self.held:
            s.close()


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG


def begin_cell(state, server, wrap=()):
    """the cell of a server, whose script is there as `start`, and its mail folder"""
    ids = {"root": 0, "nobody": 65534, **server.users}
    (state / "passwd").write_text("".join(f"{u}:x:{i}:{i}::/nonexistent:/bin/sh\n" for u, i in ids.items()))
    (state / "group").write_text("".join(f"{u}:x:{i}:\n" for u, i in ids.items()))
    run("chmod", "-R", "a+rX", state)
    run("chown", "-R", "65534:65534", state / "mail")
    with open(state / "out", "wb") as out:
        return subprocess.Popen(
            [*wrap, *UNSHARE, "sh", HERE / "cell.sh", tree(server.name, server.packages, server.npm), state],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent)


def end_cell(process):
    """ends process 1 of a cell, and with it all others; unshare ends when they are gone"""
    if process.poll() is None:
        first = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in first or [process.pid]:
            os.kill(int(pid), signal.SIGKILL)
    process.wait(LIMIT_S)


class Cell:
    """A mail server in its cell. A subclass says its name, packages, users and ports; start/NAME.sh sets it up."""
    name, packages, npm, users, port_names, same, needs_auth = "", [], None, {}, (), {}, False

    def __init__(self, state, pki, free):
        self.state, self.pki = state, pki
        self.ports = {p: free.take() for p in self.port_names}

    def env(self):
        """what start/NAME.sh wants to know besides the ports"""
        return {}

    def start(self):
        for sub in ("mail/new", "mail/cur", "mail/tmp"):
            (self.state / sub).mkdir(parents=True)
        shutil.copytree(self.pki.dir, self.state / "pki")
        shutil.copy(HERE / "start" / f"{self.name}.sh", self.state / "start")
        shutil.copy(HERE / "start" / "sasl.sh", self.state)
        env = {"domain": DOMAIN, "user": USER, "password": PASSWORD, "size_limit": SIZE_LIMIT,
               **{f"port_{name}": port for name, port in self.ports.items()}, **self.env()}
        (self.state / "env").write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in env.items()))
        self.mailbox = Mailbox(self.state / "mail/new")
        self.process = begin_cell(self.state, self)
        for port in self.ports.values():
            self._wait_port(port)
        self.ports.update({name: self.ports[other] for name, other in self.same.items()})

    def stop(self):
        end_cell(self.process)
        self.mailbox.close()

    def version(self):
        """of what it is unpacked from, without what Debian adds"""
        if self.npm:
            return self.npm.partition("@")[2]
        deb = next((BUILD / "servers/debs").glob(f"{self.packages[0]}_*.deb"))
        return re.split("[-+~]", deb.name.split("_")[1].rpartition("%3a")[2])[0]

    def wait_for_mail(self, token, to=None):
        return self.mailbox.wait(token, to)

    def _wait_port(self, port):
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        pytest.fail(f"{self.name} did not open port {port}:\n{self.log()}")

    def log(self):
        files = [file for file in (self.state / "out", self.state / "log") if file.exists()]
        return "".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)
