# SPDX-License-Identifier: MIT
"""A DNS of our own, from the root on: zones are written and signed here, nsd serves them, unbound validates them for Postfix and is
the name server of /etc/resolv.conf. What nsd would not do, as never to answer one type, does answers.py in front of it."""
import datetime
import pathlib
import subprocess
import sys

from net import BROKEN_TLSA, DENIED_TLSA, NO_TLSA, OTHER_SERVER, RESOLVER, RESOLVER_ON_LINK, ROOT_SERVER, SILENT
from cell import die_with_parent, tree
from clock import LIMIT_S

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["nsd", "unbound", "libevent-2.1-7", "libfstrm0", "libprotobuf-c1", "libhiredis0.14", "libnghttp2-14", "libpython3.11", "libexpat1",
            "libsodium23"]
NSEC3 = {"iterated": ["-n", "-t", "500", "-s", "aabb"], "optout": ["-n", "-p", "-t", "500", "-s", "aabb"]}
HEAD = "$TTL 300\n{zone} SOA ns.example. hostmaster.example. 1 3600 600 86400 1\n{zone} NS {server}\n"


class Dns:
    def __init__(self, folder, net, zones):
        """zones: name -> (server's name, lines, how), how among signed, unsigned, bogus, expired, undenied and those of NSEC3"""
        self.folder, self.net, self.children = folder, net, []
        self.tree = tree("dns", PACKAGES)
        self.anchor, served = folder / "anchor", {}
        for name in sorted(zones, key=lambda zone: -len(zone)):          # a zone's DS is in the one above it
            served[name] = self._zone(name, zones)
        other = {name: file for name, file in served.items() if zones[name][0] not in ("ns.example.", "ns-other.example.")}
        self._nsd(ROOT_SERVER, {name: file for name, file in served.items() if name not in other})
        self._nsd(OTHER_SERVER, other)
        self._unbound()
        for address, how in ((NO_TLSA, "no-tlsa"), (BROKEN_TLSA, "broken-tlsa"), (DENIED_TLSA, "denied-tlsa"), (SILENT, "silent")):
            self._start(sys.executable, HERE / "answers.py", address, OTHER_SERVER, how)

    def _run(self, *words):
        return subprocess.run([*map(str, words)], cwd=self.folder, check=True, capture_output=True, text=True, timeout=LIMIT_S).stdout

    def _zone(self, name, zones):
        server, lines, how = zones[name]
        file = self.folder / f"zone.{name}"
        file.write_text(HEAD.format(zone=name, server=server) + "".join(line + "\n" for line in lines))
        if how == "unsigned":
            return file
        key = self._run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name).strip()
        digest = self._run("ldns-key2ds", "-n", "-2", f"{key}.key")
        if how == "bogus":
            digest = digest.strip()[:-8] + "00000000\n"
        if name == ".":
            self.anchor.write_text(digest)
        else:
            above = zones["." if name.count(".") == 1 else "example."]
            above[1].append(digest.strip())
        days = -1 if how == "expired" else 30
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%S")
        since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=9)).strftime("%Y%m%d%H%M%S")
        self._run("ldns-signzone", *NSEC3.get(how, []), "-i", since, "-e", until, "-o", name, file.name, key)
        signed = self.folder / f"zone.{name}.signed"
        if how == "undenied":                                            # what is there is proven, what is not is not
            rows = signed.read_text().splitlines(keepends=True)
            signed.write_text("".join(r for r in rows if "\tNSEC\t" not in r))
        return signed

    def _start(self, *words):
        libraries = self.tree / "usr/lib/x86_64-linux-gnu"
        with open(self.folder / f"log.{len(self.children)}", "wb") as log:
            self.children.append(subprocess.Popen(
                [*self.net.inside(self.net.servers), "env", f"LD_LIBRARY_PATH={libraries}", *map(str, words)], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent))

    def _nsd(self, address, served):
        text = f"""server:
  ip-address: {address}
  username: ""
  pidfile: ""
  zonesdir: ""
  database: ""
  xfrdfile: ""
  zonelistfile: "{self.folder}/zonelist.{address}"
  server-count: 1
remote-control:
  control-enable: no
"""
        text += "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in served.items())
        config = self.folder / f"nsd.{address}"
        config.write_text(text)
        self._start(self.tree / "usr/sbin/nsd", "-d", "-c", config)

    def _unbound(self):
        (self.folder / "root.hints").write_text(f". 3600000 NS ns.example.\nns.example. 3600000 A {ROOT_SERVER}\n")
        (self.folder / "unbound.conf").write_text(f"""server:
  interface: {RESOLVER}
  interface: {RESOLVER_ON_LINK}%wire
  access-control: 10.53.0.0/16 allow
  access-control: fe80::/10 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  root-hints: "{self.folder}/root.hints"
  trust-anchor-file: "{self.anchor}"
  local-zone: "test." nodefault
  qname-minimisation: no
  infra-host-ttl: 1
  infra-keep-probing: yes
  infra-cache-max-rtt: 1000
remote-control:
  control-enable: no
""")
        (self.folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions trust-ad timeout:2 attempts:2\n")
        self._start(self.tree / "usr/sbin/unbound", "-d", "-c", self.folder / "unbound.conf")

    def log(self):
        return "".join(file.read_text(errors="replace")[-1500:] for file in sorted(self.folder.glob("log.*")))

    def close(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(LIMIT_S)
