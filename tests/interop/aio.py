# SPDX-License-Identifier: MIT
"""aiosmtpd in a thread of the test: the server that needs no root, keeps exactly the octets it got, and can be given
any set of offers and logins."""
import asyncio
import base64
import logging
import re
import socket
import ssl
import threading
import warnings

import aiosmtpd
from aiosmtpd.smtp import MISSING, SMTP, AuthResult

from cell import DOMAIN, PASSWORD, SIZE_LIMIT, USER
from clock import LIMIT_S
from inbox import Stored

TOKEN = "ya29." + "A-long_token." * 100 + "=="      # as long as the large providers' are


class Handler:
    """Keeps mails, refuses some recipients, hides some offers."""

    def __init__(self, keep, hide):
        self.keep, self.hide = keep, tuple(f"250-{word}" for word in hide)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [r for r in responses if not (self.hide and r.startswith(self.hide))]

    async def handle_RCPT(self, server, session, envelope, address, options):
        local, _, domain = address.partition("@")
        if domain != DOMAIN:
            return "550 5.7.1 relay not permitted"
        if local in ("gone", "later"):
            return {"gone": "550 5.1.1 no such user", "later": "450 4.2.1 come back later"}[local]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        stored = Stored(envelope.content, envelope.mail_from, list(envelope.rcpt_tos))
        cipher = server.transport.get_extra_info("cipher")
        stored.received = [f"with {cipher[1]}" if cipher else "in clear"]
        stored.mechanism = getattr(session, "mechanism", None)
        self.keep(stored)
        return "250 2.0.0 kept"


class TokenHandler(Handler):
    """AUTH with a bearer token, as the large providers have it; they tell why it failed in a challenge."""

    async def auth_XOAUTH2(self, server, args):
        return await self._token(server, args, rb"user=%s\x01auth=Bearer %s\x01\x01")

    async def auth_OAUTHBEARER(self, server, args):  # RFC 7628: host and port may stand between the two
        return await self._token(server, args, rb"n,a=%s,\x01(?:\w+=[^\x01]*\x01)*?auth=Bearer %s\x01\x01")

    async def _token(self, server, args, form):
        said = base64.b64decode(args[1], validate=True) if len(args) > 1 else await server.challenge_auth("")
        server.session.mechanism = args[0]
        if said is not MISSING and re.fullmatch(form % (re.escape(USER).encode(), re.escape(TOKEN).encode()), said):
            return AuthResult(success=True)
        aborted = await server.challenge_auth('{"status":"401"}') is MISSING
        return AuthResult(success=False, handled=aborted)


class CramHandler(Handler):
    """offers only what we do not speak"""

    async def auth_CRAM__MD5(self, server, args):
        return AuthResult(success=False, handled=False)


def check_password(server, session, envelope, mechanism, data):
    session.mechanism = mechanism
    right = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)


NO_LOGIN = ["PLAIN", "LOGIN"]
# port name -> (offers to hide, login mechanisms to leave out, options of SMTP, handler)
PORTS = {
    "starttls": ([], [], {}, Handler),
    "rsa": ([], [], {}, Handler),
    "submission": ([], [], {"auth_required": True}, Handler),
    "login": ([], ["PLAIN"], {"auth_required": True}, Handler),
    "token": ([], NO_LOGIN, {"auth_required": True}, TokenHandler),
    "cram": ([], NO_LOGIN, {"auth_required": True}, CramHandler),
    "noauth": (["AUTH"], [], {}, Handler),
    "no8bit": (["8BITMIME", "SMTPUTF8"], [], {}, Handler),
    "implicit": ([], [], {}, Handler),
    "implicit_wrongname": ([], [], {}, Handler),
    "clear": (["STARTTLS"], [], {}, Handler),
    "clear_no8bit": (["STARTTLS", "8BITMIME", "SMTPUTF8"], [], {}, Handler),
}


class LongLines(SMTP):
    line_length_limit = 12288                        # of AUTH (RFC 4954)


class Aiosmtpd:
    name, needs_auth = "aiosmtpd", False

    def __init__(self, pki):
        warnings.simplefilter("ignore")              # it warns of every odd set-up, and these are odd on purpose
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.pki, self.loop, self.kept, self.arrived = pki, asyncio.new_event_loop(), [], threading.Condition()
        self.ports = {}
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self):
        self.thread.start()
        for name, (hide, without, options, handler) in PORTS.items():
            options = {"auth_exclude_mechanism": without, **options}
            self.ports[name] = self._listen(name, handler(self.keep, hide), options)
        try:
            self.ports["ipv6"] = self._listen("starttls", Handler(self.keep, []), {}, "::1")
        except OSError:
            pass                                     # no IPv6 on this machine

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT_S)

    def keep(self, stored):
        with self.arrived:
            self.kept.append(stored)
            self.arrived.notify_all()

    def wait_for_mail(self, token, to=None):
        def find():
            return next((m for m in self.kept if token.encode() in m.raw and (to is None or to in m.recipients)), None)
        with self.arrived:
            assert self.arrived.wait_for(find, 30), f"no mail with {token} to {to} arrived"
            return find()

    def count(self, token):
        return sum(token.encode() in m.raw for m in self.kept)

    def log(self):
        return ""

    def version(self):
        return aiosmtpd.__version__

    def _context(self, leaf):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pki.chain(leaf), self.pki.key(leaf))
        return context

    def _listen(self, name, handler, options, address="127.0.0.1"):
        context = self._context("wrongname" if name.endswith("wrongname") else "rsa" if name == "rsa" else "ecdsa")
        implicit = name.startswith("implicit")

        def protocol():
            kind = LongLines if isinstance(handler, TokenHandler) else SMTP
            return kind(handler, hostname="mail." + DOMAIN, ident="aiosmtpd", loop=self.loop, enable_SMTPUTF8=True,
                        data_size_limit=SIZE_LIMIT, authenticator=check_password, auth_require_tls=not implicit,
                        tls_context=None if implicit else context, **options)

        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.loop.create_server(protocol, address, 0, family=family, ssl=context if implicit else None)
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(30).sockets[0].getsockname()[1]
