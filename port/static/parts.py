#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""parts.py BUILD [LEFT OUT...]: what the parts of a static program take, by the linker's map: BUILD/map of BUILD/parts, which is
BUILD/mailmote before all of it is optimized together. It fails where that is larger than budget.txt allows; with what may be left out
it may be as large as it likes."""
import collections
import math
import os
import pathlib
import re
import sys

OPTIONAL = ("help", "probe", "trust")
# The first that fits is whose the object is.
PARTS = [
    ("command: probe", r"boards/host/probe"),
    ("command: trust, CA files", r"boards/host/trust"),
    ("command: queue", r"boards/host/queue"),
    ("command: drop directory", r"boards/host/drop"),
    ("command: spool", r"boards/host/(spool|throttle|flush|notice|attempt|octets)"),
    ("command: sendmail and mail", r"boards/host/(sendmail|mailx|letters|submit|alias|address|recipients|header|made|self)"),
    ("command: options, configuration", r"boards/host/(args|config|secret|relay)"),
    ("command: messages", r"boards/host/(input|mail\.|raw|field|encoded_word|attach|progress|send)"),
    ("command: help", r"boards/host/(help|usage)"),
    ("command: the rest", r"boards/host/"),
    ("our part of libc: resolver", r"port/static/(names|found|servers|dns|interface)"),
    ("our part of libc", r"port/static/"),
    ("library: sockets, CA file", r"(anchors?|connect|pump|posix|trace|host|clock|random)\.o\)$(?<!libbearssl)"),
    ("BearSSL: curves", r"libbearssl.*\((ec_|ecdsa_)"),
    ("BearSSL: RSA, large numbers", r"libbearssl.*\((rsa_|i31_|i32_|i62_|i15_)"),
    ("BearSSL: ciphers", r"libbearssl.*\((aes|chacha|poly|ghash|des)"),
    ("BearSSL: hashes, HMAC", r"libbearssl.*\((sha|md5|hmac|prf|multihash|ghash)"),
    ("BearSSL: X.509, PEM", r"libbearssl.*\((x509|pem)"),
    ("BearSSL: TLS, the rest", r"libbearssl"),
    ("library: SMTP, TLS, outbox", r"libmailmote"),
    ("libc: resolver", r"libc.*\((lookup_|res_|resolv|getaddrinfo|freeaddr|dns_|dn_|inet_|gai_|if_name|mb[a-z]*towc)"),
    ("libc: printf", r"libc.*\(.*(printf|floatscan|frexp)"),
    ("libc: malloc", r"libc.*\((malloc|free|calloc|realloc|.*malloc)"),
    ("libc: streams", r"libc.*\(_*(f[a-z]+|std[a-z]+|put[a-z]+|get[a-z]+|overflow|uflow|to[a-z]+|ofl.*|open_mem.*|stdio_.*)\.lo"),
    ("libc: the rest", r"."),
]
SECTION = re.compile(r"^(\.[\w.]+)|^ \.\S+\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)
IN_THE_FILE = (".init", ".text", ".fini", ".rodata", ".data", ".got", ".init_array", ".fini_array", ".eh_frame", ".data.rel.ro")


def sizes(text):
    """octets of each object in the file. Of strings that another object has as well it has none, which the map does not say: the next
    begins at the same place."""
    found, pieces, output = collections.Counter(), [], ""
    for match in SECTION.finditer(text[text.index("Linker script and memory map"):]):
        output = match[1] or output
        if match[1] is None and output in IN_THE_FILE:
            pieces.append((int(match[2], 16), int(match[3], 16), match[4]))
    for (at, size, whose), (behind, *_) in zip(pieces, [*pieces[1:], (math.inf,)]):
        found[whose] += min(size, behind - at)
    return found


def main(build, *left_out):
    with open(f"{build}/map") as file:
        objects = sizes(file.read())
    parts = collections.Counter()
    for name, size in objects.items():
        parts[next(part for part, pattern in PARTS if re.search(pattern, name))] += size
    whole, apart = (os.path.getsize(f"{build}/{name}") for name in ("mailmote", "parts"))
    for part, size in parts.most_common():
        print(f"{size:9,}  {part}")
    print(f"{apart - sum(parts.values()):9,}  headers, and room between parts")
    print(f"{whole - apart:9,}  what optimizing all of it together spares")
    print(f"{whole:9,}  {build}/mailmote" + (f", without {', '.join(left_out)}" if left_out else ""))
    budget = pathlib.Path(__file__).with_name("budget.txt").read_text()
    limit = int(re.search(rf"^{pathlib.Path(build).name}\s+(\d+)", budget, re.M)[1])
    if left_out == OPTIONAL and whole > limit:
        sys.exit(f"{build}/mailmote: {whole - limit:,} octets over port/static/budget.txt")


main(*sys.argv[1:])
