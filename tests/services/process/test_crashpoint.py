"""Crash points: only where and when they are armed, and once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.process import crashpoint


class Died(Exception):
    pass


@pytest.fixture(autouse=True)
def deaths(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    statuses: list[int] = []

    def die(status: int) -> None:
        statuses.append(status)
        raise Died

    monkeypatch.setattr(os, "_exit", die)
    yield statuses
    crashpoint.arm(None, "worker")


def test_nothing_happens_without_a_drill(tmp_path: Path) -> None:
    (tmp_path / "worker.kept").write_text("0")
    crashpoint.arm(None, "worker")
    crashpoint.crashpoint("kept")


def test_a_point_of_another_role_or_name_is_passed(tmp_path: Path) -> None:
    (tmp_path / "worker.kept").write_text("0")
    crashpoint.arm(tmp_path, "redirect")
    crashpoint.crashpoint("kept")
    crashpoint.arm(tmp_path, "worker")
    crashpoint.crashpoint("claimed")


def test_a_half_written_file_is_not_armed_yet(tmp_path: Path) -> None:
    (tmp_path / "worker.kept").touch()
    crashpoint.arm(tmp_path, "worker")
    crashpoint.crashpoint("kept")


def test_it_lets_some_hits_pass_and_then_dies_once(tmp_path: Path, deaths: list[int]) -> None:
    (tmp_path / "worker.kept").write_text("2")
    crashpoint.arm(tmp_path, "worker")
    crashpoint.crashpoint("kept")
    crashpoint.crashpoint("kept")
    with pytest.raises(Died):
        crashpoint.crashpoint("kept")
    crashpoint.crashpoint("kept")
    assert deaths == [crashpoint.STATUS]
    assert [path.name for path in tmp_path.iterdir()] == ["worker.kept.fired"]


def test_hits_count_for_the_next_process_too_and_the_drill_sees_them(tmp_path: Path, deaths: list[int]) -> None:
    """The first one may have died for another reason."""
    armed = tmp_path / "worker.kept"
    armed.write_text("10")
    for _ in range(4):
        crashpoint.arm(tmp_path, "worker")
        crashpoint.crashpoint("kept")
    assert (armed.read_text(), deaths) == ("6", [])


def test_a_point_that_the_drill_gives_up_meanwhile_is_passed(
    tmp_path: Path, deaths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worker.kept").write_text("0")
    crashpoint.arm(tmp_path, "worker")

    def gone(self: Path, _: Path) -> Path:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "rename", gone)
    crashpoint.crashpoint("kept")
    assert deaths == []
