#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cbmc.sh FOLDER: fetches the model checker CBMC as Debian trixie has it, with the libraries it needs, and unpacks it as FOLDER;
# FOLDER/run starts a program of it. Nothing is installed. apt-get works with lists of its own, without root, and holds each package against
# the archive's signed lists; the checker and its solver are held against the sums below, too.

set -eu

PACKAGES='cbmc minisat libc6 libstdc++6 libgcc-s1 gcc-14-base zlib1g'

dir=$1
# shellcheck source=port/apt.sh
. "${0%/*}/../../port/apt.sh"
if [ "$(uname -m)" != x86_64 ]; then
    echo "cbmc.sh: the packages whose sums stand here are for x86_64, and this machine is not one." >&2
    exit 1
fi

mkdir -p "$(dirname "$dir")"
tmp=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

download() {
    own_lists deb trixie
    # shellcheck disable=SC2086 # one word per package
    apt-get download $PACKAGES
}

are_right() {
    sha256sum --check --strict <<-EOT
	02560859a17049c976961c232c4fc58f0747b57f9b751a466b1f368a438b0e41  $(echo cbmc_*.deb)
	0b3a870202e022bea8b04d140ded40d9137363566706750b4540518bc0eb63d7  $(echo minisat_*.deb)
	EOT
}

echo "fetching cbmc"
(cd "$tmp" && download && are_right) >"$tmp/log" 2>&1 || {
    cat "$tmp/log" >&2
    echo "cbmc.sh: cbmc could not be had from Debian trixie, or is not the one it should be." >&2
    exit 1
}
mkdir "$tmp/tree"
for deb in "$tmp"/*.deb; do
    dpkg -x "$deb" "$tmp/tree"
done
cat >"$tmp/tree/run" <<'EOT'
#!/bin/sh
program=$1 lib=$(dirname "$0")/usr/lib
shift
exec "$lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$lib/x86_64-linux-gnu:$lib" "$lib/../bin/$program" "$@"
EOT
chmod +x "$tmp/tree/run"
rm -rf "$dir"
mv "$tmp/tree" "$dir" # in one step, so that a folder that is there is whole
