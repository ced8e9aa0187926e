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

for entry; do
    kind=${entry%%:*} entry=${entry#*:}
    file=${entry%%:*} to=${entry#*:}
    # A link of that name that leads elsewhere, or a file, belongs to somebody else.
    if [ "$kind" = link ]; then
        target=$(relative "$file" "$to")
        if { [ -e "$destdir$to" ] || [ -L "$destdir$to" ]; } && [ "$(readlink "$destdir$to")" != "$target" ]; then
            [ -z "$remove" ] || continue
            echo "$destdir$to is another program's: take that away first, or leave out MTA=1" >&2
            exit 1
        fi
    fi
    if [ -n "$remove" ]; then
        [ -n "$file" ] || continue
        echo "  REMOVE  $destdir$to"
        rm -f "$destdir$to"
        continue
    fi
    echo "  INSTALL $destdir$to"
    mkdir -p "$destdir${to%/*}"
    if [ "$kind" = link ]; then
        ln -sfn "$target" "$destdir$to"
    elif [ -z "$file" ]; then
        install -d -m "$kind" "$destdir$to"
    else
        install -m "$kind" "$file" "$destdir$to"
    fi
done
