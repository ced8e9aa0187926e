#!/usr/bin/python3 -I
# SPDX-License-Identifier: MIT
"""Stands where the command is, and runs it (NAME.real, beside this file) as it was called. Leaves in a folder of /calls: argv,
stdin, where it was a pipe or a file; printed, which the caller does not get; and the status it gets."""
import os
import pathlib
import stat
import sys
import tempfile

COMMAND = os.path.realpath(sys.argv[0]) + ".real"


def copied(call):
    """standard input of the same kind, with what is read there kept"""
    kept = open(call / "stdin", "wb")
    mode = os.fstat(0).st_mode
    if stat.S_ISREG(mode):
        at = os.lseek(0, 0, os.SEEK_CUR)
        kept.write(os.pread(0, os.fstat(0).st_size, at))
    elif stat.S_ISFIFO(mode):
        readable, writable = os.pipe()
        if os.fork() == 0:
            os.close(readable)
            while octets := os.read(0, 65536):
                kept.write(octets)
                os.write(writable, octets)
            kept.close()
            os._exit(0)
        os.close(writable)
        os.dup2(readable, 0)
        os.close(readable)
    kept.close()


def main():
    call = pathlib.Path(tempfile.mkdtemp(dir="/calls"))
    (call / "argv").write_bytes(b"\0".join(map(os.fsencode, sys.argv)))
    copied(call)
    with open(call / "printed", "wb") as printed:
        command = os.fork()
        if command == 0:
            for fd, stream in (1, sys.stdout), (2, sys.stderr):
                if stream is not None:               # logrotate closes it
                    os.dup2(printed.fileno(), fd)
            os.execv(COMMAND, sys.argv)
    status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    (call / "status.new").write_text(str(status))
    (call / "status.new").rename(call / "status")
    sys.exit(status)


main()
