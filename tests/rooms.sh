#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rooms.sh BUILD/obj/*/*/*.o: calls run one way. No files of the core, the POSIX port and the command hang in a circle of calls,
# however long, and no headers or sources in a circle of includes. Read from the host's objects and from the sources; tsort
# prints each circle.

set -u
[ $# -gt 0 ] || exit 0

calls() {
    nm -A "$@" | awk '
        { source = $1; sub(/\.o:.*/, ".c", source); sub(/.*\/obj\//, "", source) }
        $(NF - 1) == "U" { file[++n] = source; wanted[n] = $NF; next }
        $(NF - 1) ~ /[A-Z]/ { defined[$NF] = source }
        END {
            for (i = 1; i <= n; i++)
                if (wanted[i] in defined)
                    print file[i], defined[wanted[i]]
        }'
}

includes() {
    grep -oE '^ *# *include *"[^"]+"' include/*.h core/*/*.[ch] port/posix/*.[ch] port/dane/*.[ch] boards/host/*.[ch] boards/host/*/*.[ch] |
        sed -E 's,.*/([^/:]+):.*"(.*)",\1 \2,'
}

status=0
for edges in calls includes; do
    list=$($edges "$@" | sort -u)
    [ -n "$list" ] || { echo "no $edges found"; status=1; }
    if ! circle=$(echo "$list" | tsort 2>&1 >/dev/null) || [ -n "$circle" ]; then
        echo "$edges in a circle:"
        echo "$circle"
        status=1
    fi
done
exit $status
