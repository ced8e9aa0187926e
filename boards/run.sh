#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh BOARD SETTING...: boots a board's firmware in QEMU with these settings. The console is standard
# output; the exit status is the firmware's own, and the last words on standard error say what it means. `localhost` in
# relay= is this machine. After LIMIT_S seconds the power is cut. NIC has QEMU's words for another network.

set -eu

board=$1
shift
build=${BUILD:-build}
here=${0%/*}
image=$build/boards/$board/mailmote.elf
limit=${LIMIT_S:-120}
case $limit in
0* | *[!0-9]*)
    echo "run.sh: LIMIT_S=$limit: give the seconds, a whole number from 1" >&2
    exit 78
    ;;
esac
if [ ! -f "$image" ]; then
    echo "run.sh: there is no $image; \`make firmware' builds it" >&2
    exit 78
fi

modem= qemu="qemu-system-arm -M $board"
grep -q '^network := modem' "$here/$board/board.mk" && modem="$here/modem/modem.py"
case $board in rv32-virt) qemu="qemu-system-riscv32 -M virt -bios none" ;; esac

words= name= storage=" storage=$build/boards/$board/flash.bin"
for word; do
    case $modem/$word in
    ?*/relay=*) ;; # the modem dials from this machine
    /relay=localhost:* | /relay=127.0.0.1:*)
        word=relay=10.0.2.2:${word##*:}
        name=" tls-name=localhost"
        ;;
    esac
    words="$words $word"
done
case $words in *" tls-name="*) name= ;; esac
case $words in *" storage="*) storage= ;; esac

# shellcheck disable=SC2086 # words
set -- timeout --foreground -k 5 "$limit" $qemu -kernel "$image" \
    -append "${words# }$name$storage" -display none -monitor none \
    -chardev stdio,id=console,signal=off -semihosting-config enable=on,target=native,chardev=console
if [ -n "$modem" ]; then
    set -- "$modem" "$@"
else
    # shellcheck disable=SC2086 # words
    set -- "$@" -serial null ${NIC:--nic user}
fi
status=0
"$@" </dev/null || status=$?

case $status in
0) meaning="all is delivered" ;;
65) meaning="the mail was not taken" ;;
69) meaning="refused for good" ;;
70) meaning="a fault" ;;
75) meaning="deferred; the mail is in the storage, and \`resume' goes on with it" ;;
78) meaning="the configuration is wrong; boards/README.md has its settings" ;;
124 | 137) meaning="no end in $limit s (LIMIT_S): the power was cut; a mail in the storage is still there" ;;
*) meaning= ;;
esac
if [ -n "$meaning" ] && [ "$status" -lt 100 ]; then
    echo "firmware: $status, $meaning" >&2
elif [ -n "$meaning" ]; then
    echo "run.sh: $status, $meaning" >&2
else
    echo "run.sh: QEMU ended with status $status; this is none of the firmware's" >&2
fi
exit "$status"
