#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dist.sh FOLDER BEARSSL_DIR: lays out a library for the Arduino IDE and for PlatformIO, which want their manifests at the top
# and the sources below src/: the two files of the amalgamation, and BearSSL.

set -eu
into=$1 bearssl=$2
here=$(dirname "$0")

rm -rf "$into"
mkdir -p "$into/src/bearssl" "$into/examples"
cp "$here/library.properties" "$here/library.json" "$here/../../LICENSE" "$into"
cp -R "$here/Alert" "$into/examples"
"$here/../amalgamate.py" "$into/src"

cp "$bearssl"/inc/*.h "$into/src"
cp "$bearssl"/src/*.[ch] "$bearssl"/src/*/*.c "$bearssl/LICENSE.txt" "$into/src/bearssl"
# The place where BearSSL is told what it cannot find out: the sketch gives time and randomness.
cat >"$into/src/bearssl/config.h" <<EOT
#ifndef CONFIG_H__
#define CONFIG_H__
#define BR_USE_UNIX_TIME 0
#define BR_USE_URANDOM 0
#endif
EOT
