# SPDX-License-Identifier: MIT
"""Real mail servers, of Debian 12 and of npm: what each is unpacked from, its users and its ports; start/NAME.sh sets it up.
Port names: `starttls`, `submission` (STARTTLS, then AUTH), `implicit` (TLS from the start, then AUTH), `login` (AUTH
LOGIN only), `clear` (no TLS), and what single tests need."""
from cell import Cell

KERBEROS = ["libtirpc3", "libtirpc-common", "libgssapi-krb5-2", "libk5crypto3", "libkeyutils1", "libkrb5-3",
            "libkrb5support0"]
SASL = ["libsasl2-2", "libsasl2-modules", "libsasl2-modules-db", "sasl2-bin"]


class Postfix(Cell):
    name = "postfix"
    packages = ["postfix", "netbase", "libicu72", "libnsl2", *SASL, *KERBEROS]
    users = {"postfix": 801, "postdrop": 802}
    encrypt, auth = "-o smtpd_tls_security_level=encrypt", "-o smtpd_sasl_auth_enable=yes"
    smtpd = {                                        # port name -> what smtpd is told there
        "starttls": "",
        "submission": f"{encrypt} {auth}",
        "login": f"{encrypt} {auth} -o smtpd_sasl_mechanism_filter=login",
        "implicit": f"-o smtpd_tls_wrappermode=yes {auth}",
        "clear": "-o smtpd_tls_security_level=none",
        "clear_nochunking": "-o smtpd_tls_security_level=none -o smtpd_discard_ehlo_keywords=chunking",
        "nochunking": "-o smtpd_discard_ehlo_keywords=chunking",
        "nopipelining": "-o smtpd_discard_ehlo_keywords=pipelining",
        "neither": "-o smtpd_discard_ehlo_keywords=chunking,pipelining",
        "no8bit": "-o smtpd_discard_ehlo_keywords=8bitmime,smtputf8",
        **{leaf: f"-o smtpd_tls_chain_files=/cell/pki/{leaf}.key,/cell/pki/{leaf}.chain.pem"
           for leaf in ("rsa", "ip", "wrongname", "wildcard", "expired", "stranger", "selfsigned")},
    }
    services = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd"""
    port_names = tuple(smtpd)

    def env(self):
        lines = [f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd {told}" for name, told in self.smtpd.items()]
        return {"smtpds": "\n".join(lines), "services": self.services}


class Exim(Cell):
    name = "exim"
    packages = ["exim4-daemon-light", "exim4-base", "netbase", "libgnutls-dane0", "libidn12", "libnsl2", "libunbound8",
                "libevent-2.1-7", *KERBEROS]
    users = {"Debian-exim": 801}
    port_names = ("starttls", "login", "implicit", "clear")
    same = {"submission": "starttls"}                # AUTH is offered inside TLS


class Sendmail(Cell):
    name = "sendmail"
    packages = ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "netbase", "libldap-2.5-0", "liblockfile1",
                "libnsl2", "libwrap0", *SASL, *KERBEROS]
    users = {"smmsp": 801}
    port_names = ("starttls", "implicit", "clear")
    same = {"submission": "starttls"}


class Dovecot(Cell):
    """Submission only: it wants AUTH, and hands each mail to Postfix, where it lands."""
    name = "dovecot"
    packages = ["dovecot-core", "dovecot-submissiond", "libapparmor1", "libexttextcat-2.0-0", "libexttextcat-data",
                "libicu72", "liblua5.4-0", "libsodium23", "libstemmer0d", "libunwind8", "libwrap0", "libnsl2",
                *KERBEROS]
    users = {"dovecot": 801, "dovenull": 802}
    port_names = ("submission", "implicit")
    same = {"starttls": "submission"}
    needs_auth = True

    def __init__(self, *args, upstream):
        super().__init__(*args)
        self.upstream = upstream

    def env(self):
        return {"port_upstream": self.upstream.ports["clear"]}

    def wait_for_mail(self, token, to=None):
        return self.upstream.wait_for_mail(token, to)


class OpenSmtpd(Cell):
    """In clear, and with its broken STARTTLS."""
    name = "opensmtpd"
    packages = ["opensmtpd", "libevent-2.1-7"]
    users = {"opensmtpd": 801, "opensmtpq": 802}
    port_names = ("clear", "broken")


class Courier(Cell):
    name = "courier"
    packages = ["courier-mta", "courier-base", "courier-authlib", "courier-authdaemon", "courier-authlib-userdb", "libcourier-unicode4",
                "libgdbm6", "libidn12", "libltdl7", "libpcre3", "libgamin0", "libnet-cidr-perl"]
    users = {"courier": 801}
    port_names = ("starttls",)
    same = {"submission": "starttls"}


class Qpsmtpd(Cell):
    name = "qpsmtpd"
    packages = ["qpsmtpd", "libdigest-hmac-perl", "libnet-dns-perl", "libnet-ip-perl", "libmailtools-perl", "libtimedate-perl",
                "libipc-shareable-perl", "libsocket6-perl", "libio-socket-inet6-perl", "libio-socket-ssl-perl", "libnet-ssleay-perl",
                "perl-openssl-defaults"]
    users = {"qpsmtpd": 801}
    port_names = ("starttls",)
    same = {"submission": "starttls"}


class Nullmailer(Cell):
    """no extensions at all"""
    name = "nullmailer"
    packages = ["nullmailer", "socat", "libwrap0"]
    port_names = ("clear",)


class SmtpSink(Cell):
    """Postfix's, for measuring: it takes everything"""
    name = "smtp-sink"
    packages = Postfix.packages
    port_names = ("clear",)

    def wait_for_mail(self, token, to=None):
        """without the empty line that ends a file of its"""
        mail = super().wait_for_mail(token, to)
        mail.content = mail.content.removesuffix(b"\r\n") if mail.raw.endswith(b"\n\n") else mail.content
        return mail


class SmtpServer(Cell):
    """the one that many programs in Node are made with"""
    name = "smtp-server"
    npm = "smtp-server@3.13.6"
    port_names = ("starttls", "implicit", "login")
    same = {"submission": "starttls"}


class Haraka(Cell):
    name = "haraka"
    npm = "Haraka@3.3.4"
    port_names = ("starttls", "implicit")
    same = {"submission": "starttls"}
