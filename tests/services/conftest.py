"""A host of a team: its certificate, and name servers that say what a test wants."""

import socket
from pathlib import Path

import pytest

from services.way_out import resolve
from tests.certificates import make_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for team.example, which is its own authority."""
    return make_certificate(tmp_path / "team.pem")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Name servers of the test: each look-up of a host takes the next of its answers, and the last one for ever."""
    answers: dict[str, list[list[str]]] = {}

    def look_up(host: str, _port: int) -> list[str]:
        if host not in answers:
            raise socket.gaierror
        return answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]

    monkeypatch.setattr(resolve, "_look_up", look_up)
    return answers
