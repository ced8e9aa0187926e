#!/bin/sh
# SPDX-License-Identifier: MIT
# cell.sh TREE STATE: a private world for one mail server, to be run as
#     unshare --mount --pid --uts --fork --kill-child --propagation private sh cell.sh TREE STATE
# Its root is this machine's own, with the unpacked server TREE laid over it, and every change kept in
# memory: users, /etc and /var are the server's to write, the host sees none of it, and all is gone when
# this script, process 1 of the cell, is killed. Only STATE is shared, as /cell: the shell script /cell/start,
# which becomes the server, the certificates, and the mail that arrives.
set -eu
tree=$1 state=$2 cell=$2/cell

mkdir "$cell"
mount -t tmpfs -o mode=755 cell "$cell"
mkdir "$cell/work" "$cell/root"
cp -a "$tree" "$cell/up"
mount -t overlay cell -o "lowerdir=/,upperdir=$cell/up,workdir=$cell/work" "$cell/root"
cd "$cell/root"
mkdir cell
mount --bind "$state" cell
mount --bind /dev dev
mount -t proc proc proc
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 shm dev/shm

cp "$state/passwd" "$state/group" etc/
chmod 644 etc/passwd etc/group
rm -f etc/hosts etc/resolv.conf etc/nsswitch.conf
printf '127.0.0.1 localhost mail.example.test\n' >etc/hosts
printf 'passwd: files\ngroup: files\nhosts: files\nservices: files\naliases: files\n' >etc/nsswitch.conf
: >etc/resolv.conf
hostname mail.example.test
# Not exec: a process that changes its user no longer dies with its parent, as unshare arranges for process 1.
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root chroot . sh /cell/start
exit $?
