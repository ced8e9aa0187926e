# SPDX-License-Identifier: MIT
"""The recordings that `make instructions' plays back are of as many flights as the README says."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "instructions"))

import machine                                       # noqa: E402


@pytest.mark.parametrize("recording, wanted", [("clear", 2), ("rsa2048", 6), ("p256", 6)])
def test_flights(recording, wanted):
    assert machine.Server(machine.pcap(recording)).flights == wanted


def test_quit_that_waits_is_behind_the_accepted_mail():
    whole, before = machine.Server(machine.pcap("clear")), machine.Server(machine.pcap("clear"), quit_waits=True)
    assert before.flights == whole.flights - 1 and before.last != whole.last
