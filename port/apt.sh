# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# Sourced by what fetches from Debian: own_lists deb|deb-src SUITE makes apt-get work in the folder at hand, without root, with lists of
# its own for that suite. They are signed: a package of `apt-get download' is checked against them.
#
# Every repository this machine knows is tried, so that no host name has to be written here.

own_lists() {
    cat >apt.conf <<-EOT
	Dir::Etc::SourceList "$PWD/sources.list";
	Dir::Etc::SourceParts "/dev/null";
	Dir::State::Lists "$PWD/lists";
	Dir::State::Status "$PWD/status";
	Dir::Cache "$PWD";
	APT::Sandbox::User "root";
	EOT
    apt-get update --print-uris |
        sed -n "s|^'\(.*\)/dists/.*|$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \1 $2 main|p" | sort -u >sources.list
    : >status
    mkdir -p lists/partial archives/partial
    export APT_CONFIG="$PWD/apt.conf"
    apt-get update || :
}
