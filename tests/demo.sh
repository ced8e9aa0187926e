#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make demo` shows: a real mail server (aiosmtpd) on loopback, one mail through STARTTLS with the server's
# certificate checked, and the mail as it arrived. MAILMOTE is the command (build/mailmote). Nothing is left behind.

set -eu
mailmote=${MAILMOTE:-build/mailmote}
dir=$(mktemp -d)
server=
cleanup() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
    fi
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
server=$!
port=$(timeout 60 cat "$dir/port") || wrong "the server did not start"

say "A mail through STARTTLS, the server's certificate checked"
cat <<EOF
\$ mailmote send -v --relay localhost:$port --trust ca.pem --tls-name localhost \\
      --helo sensor.example.test --from sensor@example.test --subject 'Boiler at 92 °C' operator@example.test <text
EOF
status=0
{
    printf 'The boiler is too hot.\n.\nLast reading: 92 °C\n' |
        timeout 60 "$mailmote" send -v --relay "localhost:$port" --trust "$dir/ca.pem" --tls-name localhost \
            --helo sensor.example.test --from sensor@example.test --subject 'Boiler at 92 °C' operator@example.test \
            >"$dir/verdict"
} 2>&1 || status=$?

say "The verdict, and the exit status $status"
cat "$dir/verdict"

say "The mail, as the server received it"
[ -s "$dir/inbox" ] || wrong "no mail arrived"
tr -d '\r' <"$dir/inbox" | tee "$dir/mail"

# Was it all as it should be?
[ "$status" -eq 0 ] || wrong "the exit status is not 0"
verdict=$(cut -f 2,3,4 "$dir/verdict")
[ "$verdict" = "$(printf 'operator@example.test\tdelivered\t250')" ] || wrong "the verdict is another one"
grep -q '^From: .*sensor@example\.test' "$dir/mail" || wrong "the mail does not say who sent it"
sed '1,/^$/d; s/^=2E$/./' "$dir/mail" >"$dir/text"
printf 'The boiler is too hot.\n.\nLast reading: 92 =C2=B0C\n' | cmp - "$dir/text" || wrong "the text is another one"
say "All as it should be"
