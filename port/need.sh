#!/bin/sh
# SPDX-License-Identifier: MIT
#
# need.sh PACKAGE...: installs the Debian packages that are missing, or stops with the command that does.

set -eu

command -v dpkg-query >/dev/null || exit 0 # not Debian: a missing tool will name itself

exec 9<"$0"
flock 9 # make -j asks several times at once, apt-get works once

# Leaves in $missing those that are not installed, and tells whether there are any.
some_missing() {
    missing=
    for package; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ]
}

# apt-get's status is not asked: it also fails when a package that has nothing to do with ours is half-configured.
install() {
    # shellcheck disable=SC2086 # one word per package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null || :
}

some_missing "$@" || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "Debian packages are missing. Type this, then try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing$missing"
install
some_missing "$@" || exit 0
apt-get update -q || : # the package lists may be absent or old
install
some_missing "$@" || exit 0
echo "need.sh: apt-get, see above, has not installed$missing" >&2
exit 1
