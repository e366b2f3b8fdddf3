"""`.env.example` and Settings say the same: each setting once, its real default, and nothing that nobody reads."""

import re
from pathlib import Path

import pytest

from settings import Settings

ROOT = Path(__file__).parent.parent
TITLE = re.compile(r"^# ── (.+?) ─+$")
ASSIGNMENT = re.compile(r"^#([A-Z_]+)=(.*)$")
SECTIONS = ("Linkwake (settings.py)", "Temporal client", "docker-compose.temporal.yml")
FIELDS = {name.upper() for name in Settings.model_fields}


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """Title → (name, default) of each commented assignment below it."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in text.splitlines():
        if heading := TITLE.match(line):
            title = heading[1]
        elif assignment := ASSIGNMENT.match(line):
            found.setdefault(title, []).append((assignment[1], assignment[2]))
    return found


TEXT = (ROOT / ".env.example").read_text()
LISTED = sections(TEXT)
OURS, TEMPORAL, COMPOSE = (LISTED[title] for title in SECTIONS)


def test_there_are_no_other_sections() -> None:
    assert tuple(LISTED) == SECTIONS


def test_nothing_is_set_in_a_fresh_copy() -> None:
    """A copy must change nothing, above all no secret may have a default."""
    assert [line for line in TEXT.splitlines() if line and not line.startswith("#")] == []


def test_no_variable_is_listed_twice() -> None:
    names = [name for title in SECTIONS for name, _ in LISTED[title]]
    assert sorted(names) == sorted(set(names))


def test_every_setting_is_listed_and_nothing_else() -> None:
    assert {name for name, _ in OURS} == FIELDS


def test_the_other_sections_hold_no_setting() -> None:
    assert FIELDS.isdisjoint(name for name, _ in TEMPORAL + COMPOSE)


def test_temporals_section_holds_temporals_variables_only() -> None:
    assert [name for name, _ in TEMPORAL if not name.startswith("TEMPORAL_")] == []


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(("name", "default"), OURS)
def test_a_listed_default_is_the_real_one(name: str, default: str, bare_environment: pytest.MonkeyPatch) -> None:
    field = Settings.model_fields[name.lower()]
    assert (default == "") == (field.default is None), "empty is how a setting without a default is written"
    bare_environment.setenv(name, default)
    assert getattr(Settings(_env_file=None), name.lower()) == field.default


@pytest.mark.parametrize("name", [name for title in SECTIONS for name, _ in LISTED[title]])
def test_every_variable_is_explained(name: str) -> None:
    """The block it stands in begins with prose."""
    block = next(block for block in TEXT.split("\n\n") if re.search(rf"^#{name}=", block, re.MULTILINE))
    assert block.startswith("# ")
    assert not ASSIGNMENT.match(block.splitlines()[0])


def test_a_wrong_default_would_be_seen() -> None:
    assert sections("# ── Linkwake (settings.py) ──\n#API_PORT=9\n") == {"Linkwake (settings.py)": [("API_PORT", "9")]}
