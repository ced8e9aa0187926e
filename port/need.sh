#!/bin/sh
# SPDX-License-Identifier: MIT
#
# need.sh PACKAGE...: installs the Debian packages that are missing, or stops with the command that does.

set -eu

command -v dpkg-query >/dev/null || exit 0 # not Debian: a missing tool will name itself

exec 9<"$0"
flock 9 # make -j asks several times at once, apt-get works once

missing=
for package; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Debian packages are missing. Type this, then try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

install() {
    # shellcheck disable=SC2086 # one word per package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null
}
echo "installing$missing"
install || { apt-get update -q && install; } # the package lists may be absent or old
