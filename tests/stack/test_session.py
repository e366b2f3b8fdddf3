"""A stack of its own has settings of its own: neither `.env` nor the environment leads to the user's servers."""

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from stack import session
from stack.environment import forget_foreign
from stack.session import nothing_set_but, own_stack
from tests.stack.dummies import ROOT

USERS = {
    "DATABASE_URL": "postgresql://user:secret@database.example.com/linkwake",
    "TEMPORAL_ADDRESS": "temporal.example.com:7233",
    "TEMPORAL_NAMESPACE": "theirs",
    "TEMPORAL_UI_URL": "https://temporal.example.com",
    "TOKEN_KEYS": "ab" * 32,
    "LINK_DOMAIN": "https://go.example.com",
    "API_HOST": "192.0.2.1",
    "API_PORT": "1",
    "WORKER_METRICS_PORT": "2",
    "VAR_DIR": "/nonexistent",
    "RECORDER_SHARDS": "7",
    "LOG_FORMAT": "json",
}
UP = f"""
import json, signal, sys
from pathlib import Path

sys.path.insert(0, {str(ROOT)!r})
from settings import Settings

found = Settings()
words = {{"values": found.model_dump(mode="json"), "given": sorted(found.model_fields_set), "temporal": found.temporal_client}}
Path("read.json").write_text(json.dumps(words))
print("Redirect", flush=True)
signal.pause()
"""
"""In place of `cli.py`, so that its directory can have a `.env`: writes down the settings that `./linkwake up` would have."""


@contextmanager
def own(directory: Path, **variables: str) -> Iterator[tuple[Settings, dict[str, Any]]]:
    """The settings of who runs a stack of its own, and those that the stack has read."""
    with own_stack(directory / "own", **variables) as settings:
        yield settings, json.loads((directory / "read.json").read_text())


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's directory with a `.env` of the user, where everything runs."""
    (tmp_path / "cli.py").write_text(UP)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in USERS.items()))
    for name in USERS:
        monkeypatch.delenv(name)  # tests have them empty: see tests/conftest.py
    monkeypatch.setattr(session, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_users_env_file_counts_for_the_user(directory: Path) -> None:
    """Or the tests below would prove nothing."""
    assert Settings().effective_database_url == USERS["DATABASE_URL"]


@pytest.mark.parametrize("exported", [False, True])
def test_nothing_of_the_users_reaches_a_stack_of_its_own(
    directory: Path, monkeypatch: pytest.MonkeyPatch, exported: bool
) -> None:
    if exported:
        for name, value in {**USERS, "TEMPORAL_PROFILE": "theirs"}.items():
            monkeypatch.setenv(name, value)
        forget_foreign()  # as ./linkwake bench and ./linkwake drill do at their start
    with own(directory, MISS_LIMIT="0") as (settings, read):
        assert read["given"] == ["api_port", "miss_limit", "redirect_port", "temporal_port", "temporal_ui_port", "var_dir"]
        assert read["temporal"] == {}
        assert read["values"] == settings.model_dump(mode="json"), "both have the same settings"
        assert (settings.var_dir, settings.miss_limit) == (directory / "own", 0)
        # What the stack that is running there has stored is used, and not the user's.
        settings.var_dir.mkdir()
        stored = {"database_url": "postgresql:///own", "temporal_address": "127.0.0.1:7000", "token_keys": "11" * 32}
        (settings.var_dir / "stack.json").write_text(json.dumps(stored))
        assert settings.effective_database_url == "postgresql:///own"
        assert settings.effective_temporal_address == "127.0.0.1:7000"
        assert settings.effective_token_keys == [b"\x11" * 32]
        assert settings.effective_link_domain == f"http://127.0.0.1:{settings.redirect_port}"


def test_a_process_beside_a_stack_of_its_own_reads_only_what_it_is_given(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in nothing_set_but(VAR_DIR="own", REDIRECT_PORT="9001").items():
        monkeypatch.setenv(name, value)
    assert Settings().model_fields_set == {"var_dir", "redirect_port"}


def test_no_benchmark_or_drill_passes_the_users_settings_on() -> None:
    """A process that is given variables has no others than these. The rest are read where no servers are named."""
    passing = [
        str(path.relative_to(ROOT))
        for part in ("bench", "drills")
        for path in sorted((ROOT / part).rglob("*.py"))
        if "os.environ" in (text := path.read_text()) and "nothing_set_but(" not in text
    ]
    assert passing == []


def test_a_benchmark_and_a_drill_read_settings_of_their_own_only_for_the_seed_and_in_such_a_process() -> None:
    reading = {
        path.relative_to(ROOT).as_posix()
        for part in ("bench", "drills")
        for path in (ROOT / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Settings"
    }
    assert reading == {
        "bench/parts/bare.py",
        "bench/parts/floor.py",
        "bench/smtp.py",
        "drills/clicks.py",
        "drills/enrollments.py",
        "drills/sending.py",
    }
