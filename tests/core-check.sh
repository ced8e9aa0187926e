#!/bin/sh
# SPDX-License-Identifier: MIT
#
# core-check.sh BUILD/cross/core/*.o: the core has no state and no floats, and asks the platform for five functions.
# Read from the objects that a Cortex-M3 would run. Each offence is printed as file: symbol: why.

set -eu
[ $# -gt 0 ] || exit 0

arm-none-eabi-nm -A "$@" | awk '
    { source = $1; sub(/\.o:.*/, ".c", source); sub(/.*\/core\//, "core/", source) }

    $2 == "U" { file[++n] = source; wanted[n] = $3; next }
    { defined[$3] = 1 }
    $2 ~ /[dDbBC]/ { refuse(source, $3, "a variable; all state belongs to the caller") }

    END {
        for (i = 1; i <= n; i++) {
            if (wanted[i] in defined || wanted[i] ~ /^(memcpy|memmove|memset|memcmp|strlen)$/)
                continue
            else if (wanted[i] ~ /^__aeabi_(c?[fd]|.*2[fd]$)/)
                refuse(file[i], wanted[i], "floating point")
            else if (wanted[i] ~ /^__aeabi_/ || (wanted[i] ~ /^br_/ && file[i] ~ /(session|certificate|trust|chain)\.c$/))
                continue
            else if (wanted[i] ~ /^br_/)
                refuse(file[i], wanted[i], "only the TLS room knows BearSSL")
            else
                refuse(file[i], wanted[i], "not one of memcpy memmove memset memcmp strlen")
        }
        exit bad
    }

    function refuse(file, symbol, why) { print file ": " symbol ": " why; bad = 1 }
'

for source in core/*.[ch]; do
    allowed='stddef|stdint|stdbool|string'
    case $source in core/session.c | core/certificate.c | core/trust.c | core/chain.c) allowed="$allowed|bearssl" ;; esac
    if grep -nHE '^ *# *include *<' "$source" | grep -vE "<($allowed)\.h>"; then
        echo "$source: the core includes <stddef.h> <stdint.h> <stdbool.h> <string.h>, session.c, trust.c, chain.c <bearssl.h>"
        exit 1
    fi
done
