# SPDX-License-Identifier: MIT
"""answers.py ADDRESS SERVER no-tlsa|broken-tlsa|denied-tlsa|silent: hands questions by UDP on to a name server, and its answers back; but for
TLSA it never answers, or with SERVFAIL, or as to the question for a name that is not there; or it answers nothing at all."""
import socket
import sys

TLSA, SERVFAIL = 52, 2
NAME, OTHER_NAME = b"\x03_25", b"\x03_26"


def type_of(question):
    at = 12
    while question[at]:
        at += question[at] + 1
    return int.from_bytes(question[at + 1:at + 3], "big")


def main(address, server, how):
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.bind((address, 53))
    while True:
        question, client = ours.recvfrom(4096)
        if how == "silent" or (how == "no-tlsa" and type_of(question) == TLSA):
            continue
        if how == "broken-tlsa" and type_of(question) == TLSA:
            ours.sendto(question[:2] + bytes([0x80 | question[2] & 1, SERVFAIL]) + question[4:12] + question[12:], client)
            continue
        denied = how == "denied-tlsa" and type_of(question) == TLSA
        asked = question.replace(NAME, OTHER_NAME) if denied else question
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
            theirs.settimeout(5)
            theirs.sendto(asked, (server, 53))
            answer = theirs.recv(65535)
            ours.sendto(answer.replace(OTHER_NAME, NAME, 1) if denied else answer, client)


main(*sys.argv[1:])
