# SPDX-License-Identifier: MIT
#
# What the demonstrations share: a directory that is gone in the end, a certificate authority in it, and a real mail
# server (aiosmtpd) on loopback, which tells its port in $port and keeps the last mail in $dir/inbox. Read with `.`.

dir=$(mktemp -d)
servers=
cleanup() {
    for server in $servers; do
        kill "$server" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
say() { printf '\n== %s\n' "$*"; }
wrong() {
    echo "demo: $*" >&2
    exit 1
}

# A certificate authority of our own, and the server's certificate for "localhost", signed by it.
cd "$dir"
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 1 \
        -subj '/CN=demo CA' -addext 'basicConstraints=critical,CA:TRUE'
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj '/CN=demo'
    echo 'subjectAltName=DNS:localhost' >leaf.ext
    openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile leaf.ext -days 1 -out leaf.pem
} 2>openssl.log || wrong "$(cat openssl.log)"
cd "$OLDPWD"

# The server: it tells its port through a pipe, and writes the mail it gets to a file, octet by octet.
mkfifo "$dir/port"
/usr/bin/python3 -W ignore - "$dir" <<'EOF' &
import asyncio, ssl, sys
from aiosmtpd.smtp import SMTP

class Inbox:
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1] + "/inbox", "wb") as file:
            file.write(envelope.content)
        return "250 2.0.0 it is in the inbox"

async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(sys.argv[1] + "/leaf.pem", sys.argv[1] + "/leaf.key")
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Inbox(), hostname="mail.example.test", tls_context=tls, require_starttls=True), "127.0.0.1", 0)
    with open(sys.argv[1] + "/port", "w") as file:
        print(server.sockets[0].getsockname()[1], file=file)
    await server.serve_forever()

asyncio.run(main())
EOF
servers=$!
port=$(timeout 300 cat "$dir/port") || wrong "the server did not start"
