#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make demo` shows: a real mail server (aiosmtpd) on loopback, one mail through STARTTLS with the server's
# certificate checked, and the mail as it arrived; then what becomes of a mail when the relay's TLS is broken.
# MAILMOTE is the command (build/mailmote), MAILMOTE_FAST the same with a TLS retry after 2 s. Nothing is left behind.

set -eu
mailmote=${MAILMOTE:-build/mailmote}
fast=${MAILMOTE_FAST:-build/fast/mailmote}
. "${0%/*}/demo-common.sh"

say "A mail through STARTTLS, the server's certificate checked"
cat <<EOF
\$ mailmote send -v --relay localhost:$port --trust ca.pem --tls-name localhost \\
      --helo sensor.example.test --from sensor@example.test --subject 'Boiler at 92 °C' operator@example.test <text
EOF
status=0
{
    printf 'The boiler is too hot.\n.\nLast reading: 92 °C\n' |
        timeout 300 "$mailmote" send -v --relay "localhost:$port" --trust "$dir/ca.pem" --tls-name localhost \
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

# ---- Second act: a relay that says 220 to STARTTLS and then no TLS, but would take any mail in clear.

/usr/bin/python3 - "$dir" <<'EOF' &
import socketserver, sys

class Relay(socketserver.StreamRequestHandler):
    def handle(self):
        say = lambda text: self.wfile.write(text.encode() + b"\r\n")
        say("220 broken.example.test")
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                say("250-broken.example.test\r\n250-AUTH PLAIN\r\n250 STARTTLS")
            elif verb == b"STARTTLS":
                say("220 go ahead\r\nthis is no TLS record")
                return
            elif verb == b"DATA":
                say("354 go ahead")
                text = iter(self.rfile.readline, b".\r\n")
                with open(sys.argv[1] + "/clear", "ab") as file:
                    file.write(b"".join(text))
                say("250 taken in clear")
            elif verb == b"QUIT":
                return
            else:
                say("250 fine")

socketserver.ThreadingTCPServer.daemon_threads = True
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
    with open(sys.argv[1] + "/port", "w") as file:
        print(server.server_address[1], file=file)
    server.serve_forever()
EOF
servers="$servers $!"
port=$(timeout 300 cat "$dir/port") || wrong "the second server did not start"

# try VERDICT DIALOGUE COMMAND...: runs it, shows it, and wants this verdict and these commands, by their initials
try() {
    verdict=$1 dialogue=$2 status=0
    shift 2
    timeout 300 "$fast" "$@" <"$dir/text" >"$dir/verdict" 2>"$dir/dialogue" || status=$?
    grep -E '^\* relay|^C: (EHLO|STARTTLS|AUTH|MAIL|RCPT|DATA|\()|^S: (220 go|this|250 taken)' "$dir/dialogue" || :
    echo "-> exit status $status: $(cut -f 3,5 "$dir/verdict" | tr '\t' ' ')"
    [ "$(cut -f 3 "$dir/verdict")" = "$verdict" ] || wrong "the verdict is not $verdict"
    said=$(sed -n 's/^C: \([A-Z(]\).*/\1/p' "$dir/dialogue" | tr -d '\n')
    [ "$said" = "$dialogue" ] || wrong "we said $said, not $dialogue"
}
common="-v --spool $dir/spool --relay localhost:$port --helo sensor.example.test"

say "A relay whose TLS is broken. First attempt: deferred"
try deferred ES send $common --from sensor@example.test operator@example.test
"$fast" queue --spool "$dir/spool"

say "Flushed at once: STARTTLS again, deferred again. Being asked early brings cleartext no nearer"
try deferred ES flush --now $common
[ ! -e "$dir/clear" ] || wrong "the mail went in clear too early"

say "After the retry time (here 2 to 4 s, else one or two minutes): STARTTLS again, and only then in clear"
sleep 5
try delivered 'ESEMRD(Q' flush $common
[ -s "$dir/clear" ] || wrong "no mail arrived"
[ -z "$("$fast" queue --spool "$dir/spool")" ] || wrong "the mail is still in the spool"

say "The same relay with credentials: never in clear, however often it is tried"
echo secret >"$dir/password"
chmod 600 "$dir/password"
rm "$dir/clear"
login="--trust $dir/ca.pem --user sensor --password-file $dir/password"
try deferred ES send $common $login --from sensor@example.test operator@example.test
sleep 5
try deferred ES flush $common $login
try deferred ES flush --now $common $login
[ ! -e "$dir/clear" ] || wrong "the mail went in clear"
say "All as it should be"
