#!/bin/sh
# SPDX-License-Identifier: MIT
#
# demo-board.sh BOARD, what `make demo BOARD=...` shows: a board's firmware boots in QEMU and hands its alert to a real
# mail server, with the server's certificate checked; then the power is cut while a relay keeps it waiting, and the next
# boot delivers what the flash kept. Nothing is left behind. CUT_S is after how many seconds it is cut, LIMIT_S as run.sh has it.

set -eu
board=$1
cut_s=${CUT_S:-3} limit_s=${LIMIT_S:-120}
. "${0%/*}/demo-common.sh"

# boot WORD...: shows what is typed and the console (all but QEMU's own words), and keeps the exit status
boot() {
    echo "\$ boards/run.sh $board $* helo=pump.example.test \\"
    echo "      from=pump@example.test to=operator@example.test storage=flash.bin"
    status=0
    boards/run.sh "$board" "$@" helo=pump.example.test from=pump@example.test to=operator@example.test \
        storage="$dir/flash.bin" >"$dir/console" 2>&1 || status=$?
    grep -v -e '^Timer with period zero' -e '^qemu-system-.*: terminating' "$dir/console"
}

# received SUBJECT: shows the mail, and wants it to be the alert of this firmware
received() {
    say "The mail, as the server received it"
    [ "$status" -eq 0 ] || wrong "the exit status is not 0"
    grep -q '^delivered at END, reply 250, in TLS' "$dir/console" || wrong "the console tells no delivery in TLS"
    [ -s "$dir/inbox" ] || wrong "no mail arrived"
    tr -d '\r' <"$dir/inbox" | tee "$dir/mail"
    rm "$dir/inbox"
    grep -q '^From: .*pump@example\.test' "$dir/mail" || wrong "the mail does not say who sent it"
    grep -q "^Subject: $1\$" "$dir/mail" || wrong "the subject is another one"
    [ "$(sed '1,/^$/d' "$dir/mail")" = "The input fired." ] || wrong "the text is another one"
}

say "The firmware, with the CA it is to trust as a constant"
echo "\$ make firmware-$board TRUST=ca.pem"
"${MAKE:-make}" -s "firmware-$board" BUILD="$BUILD" TRUST="$dir/ca.pem" || wrong "the firmware could not be made"

say "An input fires on $board: the alert goes out through STARTTLS, the server's certificate checked"
boot "relay=localhost:$port" subject=Boiler-at-92-degrees
received Boiler-at-92-degrees

# ---- Second act: a relay that takes the connection and says nothing.
good=$port
/usr/bin/python3 - "$dir" <<'EOT' &
import signal, socket, sys

silent = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + "/port", "w") as file:
    print(silent.getsockname()[1], file=file)
signal.pause()
EOT
servers="$servers $!"
port=$(timeout 300 cat "$dir/port") || wrong "the silent relay did not start"

say "It fires again; the relay is silent, and after $cut_s seconds the power is cut"
export LIMIT_S="$cut_s"
boot "relay=localhost:$port" subject=Pump-stands-still
[ "$status" -eq 124 ] || wrong "the firmware ended before its power was cut"
grep -q '^the alert is stored' "$dir/console" || wrong "the alert was not stored"
[ ! -e "$dir/inbox" ] || wrong "a mail arrived too early"
LIMIT_S=$limit_s

say "The power comes back, no input fires (resume): the alert is in the flash, and the relay is well. An attempt that a reset has
ended waits five minutes, as any other; somebody presses the button (now)"
boot "relay=localhost:$good" resume now
received Pump-stands-still
say "All as it should be on $board"
