#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh TARBALL FOLDER: makes Debian's source and binary packages of what `make dist' has made. FOLDER is emptied.

set -eu

tarball=$(realpath "$1") folder=$2
name=${tarball##*/}
name=${name%.tar.gz}

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
cp "$tarball" "mailmote_${name#mailmote-}.orig.tar.gz"
tar -xzf "$tarball"
cp -R "$name/port/debian" "$name/debian"
rm "$name/debian/build.sh"
cd "$name"
dpkg-buildpackage -us -uc
