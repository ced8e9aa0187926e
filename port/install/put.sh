#!/bin/sh
# SPDX-License-Identifier: MIT
#
# put.sh [--remove] DESTDIR MODE:FILE:TO|MODE::FOLDER|link:TARGET:TO...: installs each FILE as DESTDIR/TO, or a relative link
# to TARGET, or makes the folder; or removes them, but for folders.

set -eu

remove=
if [ "$1" = --remove ]; then
    remove=yes
    shift
fi
destdir=$1
shift

# The way from the folder of $2 to $1, both absolute.
relative() {
    from=${2%/*} up=
    while [ "${1#"$from"/}" = "$1" ]; do
        from=${from%/*} up=../$up
    done
    echo "$up${1#"$from"/}"
}

# Is the link's place another program's: a file, or a link that leads elsewhere?
taken() {
    { [ -e "$2" ] || [ -L "$2" ]; } && [ "$(readlink "$2")" != "$1" ]
}

# Sets kind, file and to, and for a link target.
take_apart() {
    kind=${1%%:*} file=${1#*:}
    to=${file#*:} file=${file%%:*}
    case $1:$kind:$file:$to in
    *:*:*:link:/*:/* | *:*:*:[0-9]*:*:/*) ;;
    *)
        echo "$1: PREFIX and its like begin with a / and have no space in them" >&2
        exit 1
        ;;
    esac
    [ "$kind" != link ] || target=$(relative "$file" "$to")
}

# Before anything is put anywhere.
for entry; do
    take_apart "$entry"
    if [ -z "$remove" ] && [ "$kind" = link ] && taken "$target" "$destdir$to"; then
        echo "$destdir$to is another program's: take that away first, or leave out MTA=1" >&2
        exit 1
    fi
done

umask 022
for entry; do
    take_apart "$entry"
    if [ -z "$remove" ]; then
        echo "  INSTALL $destdir$to"
        mkdir -p "$destdir${to%/*}"
    fi
    case $remove$kind in
    link) ln -sfn "$target" "$destdir$to" ;;
    yeslink) taken "$target" "$destdir$to" || rm -f "$destdir$to" ;;
    yes*) [ -z "$file" ] || rm -f "$destdir$to" ;;
    *) if [ -n "$file" ]; then install -m "$kind" "$file" "$destdir$to"; else install -d -m "$kind" "$destdir$to"; fi ;;
    esac
done
