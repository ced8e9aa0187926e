#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Record again what `make instructions' plays back: each recording is one delivery to Postfix, with the board and the
image of its first line in boards/budget.txt. The curve of TLS is X25519."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import machine

sys.path.append(str(machine.HERE.parent / "interop"))

from cell import Ports                               # noqa: E402
from pki import DAYS, GOOD, Pki                      # noqa: E402
from servers import Postfix                          # noqa: E402

KEYS = {"rsa2048": "rsa", "p256": "ec"}            # of the relay and of its CA
SMTPD = {"clear": Postfix.smtpd["clear"],
         **{name: f"-o smtpd_tls_chain_files=/cell/pki/{name}.key,/cell/pki/{name}.pem -o tls_eecdh_auto_curves=X25519"
            for name in KEYS}}


class Certificates(Pki):
    def __init__(self, directory):
        super().__init__(directory)
        for name, kind in KEYS.items():
            self._ca(f"{name}-ca", kind)
            self._leaf(name, f"{name}-ca", kind, GOOD, ["-days", DAYS])


class Recorded(Postfix):
    smtpd, port_names = SMTPD, tuple(SMTPD)


def main():
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-"))
    scratch.chmod(0o755)
    for name in ("pki", "postfix"):
        (scratch / name).mkdir(mode=0o755)
    certificates, ports = Certificates(scratch / "pki"), Ports()
    server = Recorded(scratch / "postfix", certificates, ports)
    server.start()
    try:
        for name in KEYS:                            # first: they are constants of the images
            shutil.copy(scratch / "pki" / f"{name}-ca.pem", machine.ca(name))
        subprocess.run(["make", "counted-images", f"BUILD={machine.BUILD}"], cwd=machine.HERE.parents[1], check=True)
        images = {recording: (board, flags) for _, board, recording, flags in reversed(list(machine.rows()))}
        for recording, (board, flags) in images.items():
            port = server.ports[machine.relay_of(recording)]
            machine.record(machine.boot(board, recording, flags, port), machine.pcap(recording))
            print(f"{machine.pcap(recording)}: {machine.pcap(recording).stat().st_size:,} octets")
        for mail in server.mailbox.mails():
            print(*mail.received, sep="\n")
    finally:
        server.stop()
        ports.close()
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
