# SPDX-License-Identifier: MIT
"""What `make demo DANE=1' shows: a DNS of our own, signed from the root on, and mail without a relay: to a host whose certificate its
TLSA record knows, to one that has another certificate, and what `probe --mx' says of that one. Needs root. Nothing is left behind."""
import os
import pathlib
import re
import shutil
import sys
import tempfile

from conftest import World


def say(words):
    print(f"\n== {words}", flush=True)


def wrong(words):
    sys.exit(f"demo: {words}")


def run(world, *words, **options):
    """and shows how it is called"""
    print(" ".join(["$ mailmote", *words, *(["<text"] if options else [])]))
    return world.run(*words, **(options or {"text": ""}))


def send(world, to):
    before = len(world.taken())
    done = run(world, "send", "-v", "-C", "config", to, text="The boiler is too hot.\n")
    for row in done.stderr.splitlines():
        if re.match(r"\* |[CS]: (EHLO|STARTTLS|MAIL|220|250 2|\()", row):
            print(row)
    print(f"-> exit status {done.returncode}: {done.stdout.strip()}")
    return done.stdout.split("\t")[2], world.taken()[before:]


def main(world):
    say("A zone that DNSSEC signs: two domains, a mail host for each, and what is known of their certificates")
    zone = (world.folder / "zone.example.").read_text().splitlines()
    for row in zone:
        if re.match(r"(ee311|mismatch)\.example\.|(mx|_25\._tcp\.mx)\.(ee311|mismatch)\.example\.", row):
            print(row)

    say("The configuration: no relay, and for this DNS an anchor of its own")
    print("$ cat config\n" + world.config.read_text().strip())

    say("The first has the certificate that its record knows: in TLS, authenticated, without any CA")
    verdict, mails = send(world, "operator@ee311.example")
    if verdict != "delivered" or [mail["tls"] for mail in mails] != [True]:
        wrong("the mail has not arrived in TLS")

    say("The second has another one. Somebody may be in between: the mail is not sent, neither so nor in clear")
    verdict, mails = send(world, "operator@mismatch.example")
    if verdict != "deferred" or mails:
        wrong("the mail is not deferred")

    say("Who takes mail there, and why it is not sent")
    done = run(world, "probe", "--mx", "-C", "config", "mismatch.example")
    for row in done.stdout.splitlines():
        if re.match(r"(domain|DNS|MX|host|TLSA|policy|verdict) ", row):
            print(row)
    if "no TLSA record knows its certificate" not in done.stdout:
        wrong("probe does not say so")
    say("All as it should be")


if os.geteuid() != 0:
    wrong("mail without a relay is shown in a network of its own, which needs root: sudo make demo DANE=1")
folder = pathlib.Path(tempfile.mkdtemp(prefix="mailmote-demo-"))
folder.chmod(0o755)
try:
    made = World(folder, mail_host=False)
    try:
        main(made)
    finally:
        made.close()
finally:
    shutil.rmtree(folder)
