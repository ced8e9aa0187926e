# SPDX-License-Identifier: MIT
"""A relay that says what it was told to, to be asked by `mailmote probe'."""
import socket
import ssl
import threading

from relay import LIMIT_S, serve
from test_trust_header import openssl

UNTIL_TLS = [b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"]


class Says:
    """a relay that says these lines, each as the answer to one of ours, and then nothing; TLS follows with a context, and in it
    the lines inside, the first of them unasked where no TLS was asked for"""

    def __init__(self, lines, context=None, once=False, inside=(b"250-hello\r\n250 SIZE 1000\r\n",), host="127.0.0.1"):
        self.lines, self.context, self.once, self.silent, self.inside, self.heard = lines, context, once, [], inside, []
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=16)
        self.port = self.listener.getsockname()[1]
        serve(self.listener, self._begin)

    def _begin(self, link):
        if self.once and self.silent:
            self.silent.append(link)
        else:
            self.silent.append(None)
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link):
        try:
            link.settimeout(LIMIT_S)
            for i, line in enumerate(self.lines):
                if i:
                    self.heard.append(link.recv(4096))
                link.sendall(line)
            if self.context:
                with self.context.wrap_socket(link, server_side=True) as tls:
                    for i, line in enumerate(self.inside):
                        if i or self.lines:
                            self.heard.append(tls.recv(4096))
                        tls.sendall(line)
                    if self.inside:
                        tls.recv(4096)
        except (OSError, ssl.SSLError):
            pass
        finally:
            link.close()


def own_context(path, *options, subject="/CN=x"):
    """with a certificate that has signed itself, in the file cert"""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path / "key", "-out",
            path / "cert", "-utf8", "-subj", subject, *options)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path / "cert", path / "key")
    return context
