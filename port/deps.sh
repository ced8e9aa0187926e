#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh bearssl|lwip|cmocka...: fetches the libraries mailmote and its tests build on and unpacks them as $DEPS/bearssl,
# $DEPS/lwip, $DEPS/cmocka, $DEPS/mbedtls, $DEPS/musl.
#
# They are the upstream archives as Debian keeps them. apt-get carries them from the mirror this machine already
# uses, with lists of its own and without root; the sums below decide whether what came is right.

set -eu

DEPS=${DEPS:-.deps}
# shellcheck source=port/apt.sh
. "${0%/*}/apt.sh"

is_right() {
    echo "$sum  $1" | sha256sum --check --status 2>/dev/null
}

# apt-get's exit status says nothing: a mirror may lack the packaging files, which are not wanted anyway.
download() {
    own_lists deb-src "$suite"
    apt-get source --download-only "$1" || :
}

mkdir -p "$DEPS"
exec 9<"$0"
flock 9 # two makes may want the same library

for library; do
    case $library in
    bearssl)
        suite=bookworm
        archive=bearssl_0.6+dfsg.1.orig.tar.xz
        sum=102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004
        variable=BEARSSL_DIR
        ;;
    lwip)
        suite=trixie
        archive=lwip_2.2.1+dfsg1.orig.tar.xz
        sum=83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1
        variable=LWIP_DIR
        ;;
    cmocka)
        suite=bookworm
        archive=cmocka_1.1.5.orig.tar.xz
        sum=f0ccd8242d55e2fd74b16ba518359151f6f8383ff8aef4976e48393f77bba8b6
        variable=CMOCKA_DIR
        ;;
    musl)
        suite=bookworm
        archive=musl_1.2.3.orig.tar.gz
        sum=7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
        variable=MUSL_DIR
        ;;
    mbedtls)
        suite=bookworm
        archive=mbedtls_2.28.3.orig.tar.gz
        sum=3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d
        variable=MBEDTLS_DIR
        ;;
    *)
        echo "deps.sh: '$library' is none of bearssl, lwip, cmocka, mbedtls and musl" >&2
        exit 2
        ;;
    esac
    [ ! -d "$DEPS/$library" ] || continue

    tmp=$(mktemp -d "$DEPS/tmp.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    if ! is_right "$DEPS/$archive"; then
        echo "fetching $archive"
        (cd "$tmp" && download "$library") >"$tmp/log" 2>&1
        if ! is_right "$tmp/$archive"; then
            cat "$tmp/log" >&2
            echo "deps.sh: no $archive with sha256 $sum could be fetched." >&2
            echo "Put that file into $DEPS, or unpack $library yourself and say $variable=its/folder." >&2
            exit 1
        fi
        mv "$tmp/$archive" "$DEPS"
    fi
    "${0%/*}/need.sh" xz-utils
    mkdir "$tmp/$library"
    # -m: the files are of now, so that what was compiled of other ones in their place is made again
    tar -xmf "$DEPS/$archive" -C "$tmp/$library" --strip-components=1 --no-same-owner
    mv "$tmp/$library" "$DEPS" # in one step, so that a folder that is there is whole
    rm -rf "$tmp"
done
