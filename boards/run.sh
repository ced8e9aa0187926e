#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh BOARD WORD...: boots a board's firmware in QEMU with these words as its configuration. The console is standard
# output, the exit status the firmware's own. `localhost` in relay= is this machine.

set -eu

board=$1
shift
image=${BUILD:-build}/boards/$board/mailmote.elf

words= where= name= storage=" storage=${BUILD:-build}/boards/$board/flash.bin"
for word; do
    case $word in
    relay=localhost:* | relay=127.0.0.1:*)
        where=127.0.0.1:${word##*:}
        word=relay=10.0.2.2:${word##*:}
        name=" name=localhost"
        ;;
    relay=*) where=${word#relay=} ;;
    esac
    words="$words $word"
done
case $words in *" name="*) name= ;; esac
case $words in *" storage="*) storage= ;; esac

set -- -kernel "$image" -append "${words# }$name$storage" -display none -monitor none \
    -chardev stdio,id=console,signal=off -semihosting-config enable=on,target=native,chardev=console
case $board in
microbit) set -- "$@" -serial "tcp:$where" ;;
*) set -- "$@" -serial null -nic user ;;
esac
exec timeout -k 5 "${LIMIT_S:-120}" qemu-system-arm -M "$board" "$@" </dev/null
