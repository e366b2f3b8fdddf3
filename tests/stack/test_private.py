"""Nobody but its user reads what a stack writes."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.private import make_private, write_privately


def rights(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_what_is_made_from_now_on_is_private(tmp_path: Path) -> None:
    write_privately()
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "api.log").touch()
    assert (rights(tmp_path / "log"), rights(tmp_path / "log" / "api.log")) == (0o700, 0o600)


@pytest.fixture
def var_dir(tmp_path: Path, open_umask: None) -> Path:
    """As an earlier version left it."""
    place = tmp_path / "var"
    for name in ("log", "spool", "unsubscribes", "postgres/data"):
        (place / name).mkdir(parents=True)
    for name in (
        "temporal.db",
        "temporal.db-wal",
        "unsubscribes/a.spool",
        "log/worker.log",
        "log/api.log.1",
        "postgres/postgres.log",
        "worker.ready",
    ):
        (place / name).touch()
    return place


def test_what_an_earlier_version_left_open_is_closed(var_dir: Path) -> None:
    make_private(var_dir)
    found = {path.relative_to(var_dir): rights(path) for path in var_dir.rglob("*") if path != var_dir / "postgres" / "data"}
    assert {path: mode for path, mode in found.items() if mode & 0o077} == {}
    assert found[Path("temporal.db")] == 0o600
    assert found[Path("log")] == 0o700


def test_the_directory_itself_is_closed_and_root_leaves_others_to_pass(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    make_private(var_dir)
    assert rights(var_dir) == 0o701  # PostgreSQL's user reaches its data and lists nothing
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    make_private(var_dir)
    assert rights(var_dir) == 0o700


def test_what_is_not_ours_stays_as_it_is(var_dir: Path) -> None:
    (var_dir / "holiday.jpg").touch()
    make_private(var_dir)
    assert (rights(var_dir / "holiday.jpg"), rights(var_dir)) == (0o644, 0o755)
    assert rights(var_dir / "temporal.db") == 0o600


def test_a_link_is_not_followed(var_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (var_dir / "log" / "link.log").symlink_to(tmp_path / "elsewhere")
    make_private(var_dir)
    assert rights(tmp_path / "elsewhere") == 0o644


def test_postgresqls_data_is_left_to_it(var_dir: Path) -> None:
    (var_dir / "postgres" / "data" / "PG_VERSION").touch()
    make_private(var_dir)
    assert rights(var_dir / "postgres" / "data" / "PG_VERSION") == 0o644
