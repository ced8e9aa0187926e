# SPDX-License-Identifier: MIT
"""hosts.py FOLDER < JSON: mail hosts, [{"address", "chain", "key", "size"}, ...] on port 25; without a chain there is no STARTTLS;
"size" is the most it takes, and who "refuses" offers STARTTLS in vain. Of each mail FOLDER/mails gets a line of JSON: which host took it, in TLS or not, and for whom."""
import asyncio
import json
import logging
import pathlib
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, host, folder):
        self.host, self.folder = host, folder

    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("cipher") is not None
        row = {"host": self.host["address"], "tls": tls, "rcpts": envelope.rcpt_tos}
        with open(self.folder / "mails", "a") as mails:
            mails.write(json.dumps(row) + "\n")
        return "250 2.0.0 kept"


class Refusing(Handler):
    """offers STARTTLS, which is answered with 454"""

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [responses[0], "250-STARTTLS", *responses[1:]]


def context(host):
    if "chain" not in host:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(host["chain"], host["key"])
    return made


async def main(folder, hosts):
    loop = asyncio.get_running_loop()
    for host in hosts:
        tls, handler = context(host), (Refusing if host.get("refuses") else Handler)(host, folder)
        size = host.get("size", 2 ** 25)
        await loop.create_server(lambda tls=tls, handler=handler, size=size: SMTP(handler, data_size_limit=size, tls_context=tls, hostname="host.example"),
                                 host["address"], 25)
    print("listening", flush=True)
    await asyncio.Event().wait()


warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.CRITICAL)   # of handshakes that are refused on purpose
asyncio.run(main(pathlib.Path(sys.argv[1]), json.load(sys.stdin)))
