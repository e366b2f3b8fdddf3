"""Ports that stay free until a server takes them."""

import socket

import pytest

from stack.servers import ports


def test_ports_are_different_and_free_and_none_that_systems_give_away() -> None:
    found = ports.free_ports(20)
    assert len(set(found)) == 20
    assert set(found) <= set(ports.RANGE)


def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        used = taken.getsockname()[1]
        monkeypatch.setattr(ports, "RANGE", range(used, used + 1))
        monkeypatch.setattr(ports, "TRIES", 1)
        with pytest.raises(OSError, match="no free ports"):
            ports.free_port()
