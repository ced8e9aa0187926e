#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tests/interop/faults.py does, without a relay: mails for two domains, of which one's host has a TLSA record and TLS and the other's
has neither. Each scene has a network and a DNS of its own; relays are in this process, at port 25 of the addresses that DNS tells.

    make faults DANE=1                                    all faults, FAULTS_JOBS scenes side by side
    faults_mx.py --few 40                                 so many in each scene
    faults_mx.py 'flush, parted' 'openat:error=EIO:when=3'    one of them, and what it did"""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import faults  # noqa: E402
from cases import ADDRESSES  # noqa: E402
from certificates import Certificates  # noqa: E402
from fault_scenes import DEFERRED, FAILED, SENDER, Scene, Stage  # noqa: E402
from nameservers import Dns  # noqa: E402
from net import ROOT_SERVER, Net  # noqa: E402

SIGNED, PLAIN = "10.53.2.1", "10.53.2.2"                 # of the hosts, where mail is sent from
BOTH = ("a@signed.test", "b@plain.test")
OTHERS = ("c@signed.test", "d@plain.test")
LATER, NO = {"END": "450 later"}, {"END": "550 no"}
CONFIGURATION = "relay mx:\nfrom {}\nhelo client.example\ndnssec-anchor {}\n"


def scene(words, *replies, stored=0, status=0):
    return Scene(words, stored, replies or ({}, {}), BOTH, status, "parted")


SCENES = {"send": scene("send"), "send, one deferred": scene("send", {}, LATER, status=DEFERRED),
          "background": scene("send --background"),
          "flush, parted": scene("flush --now", stored=1),
          "flush, parted, one deferred": scene("flush --now", LATER, {}, stored=1, status=DEFERRED),
          "flush, parted, one refused": scene("flush --now", {}, NO, stored=1, status=FAILED),
          "flush, two mails parted": scene("flush --now", stored=(BOTH, OTHERS))}


def zones(certificates):
    hosts = ["signed.test. MX 10 mx.signed.test.", f"mx.signed.test. A {SIGNED}", f"_25._tcp.mx.signed.test. {certificates.tlsa(3, 1, 1, 'one')}",
             "plain.test. MX 10 mx.plain.test.", f"mx.plain.test. A {PLAIN}"]
    above = [*(f"{zone} NS ns.example." for zone in ("example.", "org.", "test.")), f"ns.example. A {ROOT_SERVER}"]
    made = {"example.": [f"ns.example. A {ROOT_SERVER}"], "test.": hosts, "org.": [f"{SENDER.partition('@')[2]}. MX 10 mx.signed.test."], ".": above}
    return {zone: ("ns.example.", lines, "signed") for zone, lines in made.items()}


class MxStage(Stage):
    def __init__(self, scene, directory):
        super().__init__(scene, directory)
        configuration = directory / "configuration"
        configuration.write_text(CONFIGURATION.format(SENDER, os.environ["ANCHOR"]))
        self.options = ["-C", configuration]

    def call(self, relays, wrap):
        command, *options = self.scene.words.split()
        if command == "flush":
            return self.flush(relays, options, wrap)
        return self.spool.send(to=self.scene.to, options=[*options, *self.options], wrap=wrap)

    def flush(self, relays, options=("--now",), wrap=()):
        return super().flush((), options, wrap)

    def _send(self, relays, to):
        return super()._send(relays[1:], to)


class MxRun(faults.Run):
    STAGE, DEFERS = MxStage, {to: "450 later" for to in (*BOTH, *OTHERS)}

    def make_relays(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CHAIN"], os.environ["KEY"])
        return [faults.Settling(context=context, starttls="good", address=SIGNED, port=25), faults.Settling(address=PLAIN, port=25)]

    def waits_for_thread(self):
        """for the rest of what libunbound's thread has to say, where no disk fails and no signal comes"""
        ends = {end for line in self.trace for made in re.findall(r"socketpair\(.*\[(\d+), (\d+)\]", line) for end in made}
        return any(re.search(r" read\((\d+), *(<unfinished \.\.\.>)?$", line) and re.search(r"\((\d+),", line)[1] in ends for line in self.trace[-20:])

    def hangs(self):
        """not held against the command where it is libunbound that does, but counted"""
        return {"stuck": "libunbound waits for its own thread"} if self.waits_for_thread() else super().hangs()

    def another_speaks(self):
        """the relays are for a mail each; but libunbound names no error, and what DNS does not tell is said as that"""
        return re.search(r"\b(MX|TLSA|A|AAAA|CNAME) of \S+: ", self.said()) is not None


def inside(name, fault=None, few=None):
    """in a network of its own; of all faults the last line has what came of it"""
    if fault:
        return faults.show(name, fault, MxRun, SCENES)
    choose = list if few is None else lambda all_faults: random.Random(faults.SEED).sample(list(all_faults), few)
    print(json.dumps(faults.run_scene(name, 1, choose, MxRun, SCENES)))
    return False


def call_inside(*words):
    """this program, where a DNS tells of its relays"""
    with tempfile.TemporaryDirectory(prefix="mailmote-faults-") as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        (folder / "pki").mkdir()
        certificates, net = Certificates(folder / "pki"), Net(ADDRESSES)
        dns = Dns(folder, net, zones(certificates))
        begin = f"ip route add local 10.53.2.0/24 dev lo; mount --bind {folder}/resolv.conf /etc/resolv.conf; exec \"$@\""
        environment = {"ANCHOR": dns.anchor, "CHAIN": certificates.chain("one"), "KEY": certificates.key("one"), "INSIDE": "1"}
        try:
            return subprocess.run([*net.inside(net.client), "unshare", "--mount", "sh", "-ec", begin, "sh", sys.executable, __file__, *words],
                                  stdout=subprocess.PIPE, text=True, env=os.environ | {name: str(value) for name, value in environment.items()})
        finally:
            dns.close()
            net.close()


def all_scenes(*words):
    """a table of them, and what was wrong"""
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("FAULTS_JOBS", "2"))) as pool:
        done = dict(zip(SCENES, pool.map(lambda name: call_inside(name, *words), SCENES)))
    rows, wrong = {}, []
    for name, run in done.items():
        row, found = json.loads(run.stdout.splitlines()[-1]) if run.returncode == 0 else ({}, [f"{name!r}: it broke off"])
        rows[name] = collections.Counter(row)
        wrong += found
    return rows, wrong


def main(words):
    few = int(words.pop(words.index("--few") + 1)) if "--few" in words else None
    words = [word for word in words if word != "--few"]
    if "INSIDE" in os.environ:
        return inside(*words, few=few)
    if words:
        done = call_inside(*words)
        print(done.stdout, end="")
        return done.returncode != 0
    began = time.monotonic()
    rows, wrong = all_scenes(*(["--few", str(few)] if few is not None else []))
    print("\n".join(wrong or ["sound"]), f"\n\n{faults.table(rows, 'stuck')}\n{time.monotonic() - began:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
