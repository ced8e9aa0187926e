#!/bin/sh
# SPDX-License-Identifier: MIT
#
# core-check.sh BUILD/cross/core/*/*.o: the core has no state and no floats, asks the platform for five functions, and its
# rooms call downwards only: outbox -> tls -> smtp, outbox -> message -> smtp, and no two files call each other. Read from the
# objects that a Cortex-M3 would run. Each offence is printed as file: symbol: why.

set -eu
[ $# -gt 0 ] || exit 0

arm-none-eabi-nm -A "$@" | awk '
    BEGIN { may["outbox tls"] = may["outbox smtp"] = may["tls smtp"] = may["message smtp"] = may["outbox message"] = 1 }

    { source = $1; sub(/\.o:.*/, ".c", source); sub(/.*\/core\//, "core/", source) }

    $2 == "U" { file[++n] = source; wanted[n] = $3; next }
    { defined[$3] = source }
    $2 ~ /[dDbBC]/ { refuse(source, $3, "a variable; all state belongs to the caller") }

    END {
        for (i = 1; i <= n; i++) {
            if (wanted[i] in defined)
                call(file[i], defined[wanted[i]], wanted[i])
            else if (wanted[i] ~ /^(memcpy|memmove|memset|memcmp|strlen)$/)
                continue
            else if (wanted[i] ~ /^__aeabi_(c?[fd]|.*2[fd]$)/)
                refuse(file[i], wanted[i], "floating point")
            else if (wanted[i] ~ /^__aeabi_/ || (wanted[i] ~ /^br_/ && room(file[i]) == "tls"))
                continue
            else if (wanted[i] ~ /^br_/)
                refuse(file[i], wanted[i], "only core/tls knows BearSSL")
            else
                refuse(file[i], wanted[i], "not one of memcpy memmove memset memcmp strlen")
        }
        exit bad
    }

    function room(file) { split(file, part, "/"); return part[2] }
    function refuse(file, symbol, why) { print file ": " symbol ": " why; bad = 1 }

    function call(from, to, symbol) {
        if (room(from) != room(to) && !((room(from) " " room(to)) in may))
            refuse(from, symbol, "a call up, into " to)
        else if ((to, from) in calls)
            refuse(from, symbol, "this file and " to " call each other")
        calls[from, to] = 1
    }
'

for source in core/*/*.[ch]; do
    allowed='stddef|stdint|stdbool|string'
    case $source in core/tls/*) allowed="$allowed|bearssl" ;; esac
    if grep -nHE '^ *# *include *<' "$source" | grep -vE "<($allowed)\.h>"; then
        echo "$source: the core includes <stddef.h> <stdint.h> <stdbool.h> <string.h>, in core/tls <bearssl.h>"
        exit 1
    fi
done
