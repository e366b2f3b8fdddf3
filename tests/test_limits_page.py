"""docs/limits.md has every limit that a caller can meet, with the setting that changes it and the answer beyond it."""

from dataclasses import fields
from pathlib import Path

import pytest

from api.handling.services import Services
from api.sequences.views import SequenceCreate
from console.areas.sequences import definition, difference, draft, editor, yaml_text
from console.pages import FILE_BYTES, FORM_BYTES
from models.errors import ConflictCode
from models.organizations.limits import Limits
from services.channels.http import templates
from services.notifications import text
from setting_groups.clicks import ClickSettings
from setting_groups.limits import LimitSettings
from setting_groups.requests import RequestSettings

PAGE = (Path(__file__).parent.parent / "docs" / "limits.md").read_text()
SETTINGS = [*LimitSettings.model_fields, *RequestSettings.model_fields, *Limits.model_fields]
SETTINGS += [name for name in ClickSettings.model_fields if name in {"click_limit", "miss_limit"}]


def test_every_setting_of_a_limit_stands_on_the_page() -> None:
    assert [name for name in SETTINGS if f"`{name.upper()}`" not in PAGE] == []


@pytest.mark.parametrize("code", [code for code in ConflictCode if code.startswith("too_many_")])
def test_every_conflict_about_a_number_stands_on_the_page(code: ConflictCode) -> None:
    assert f"409 `{code}`" in PAGE


@pytest.mark.parametrize("status", [400, 408, 413, 422, 429, 431, 503, 507])
def test_every_status_of_a_limit_stands_on_the_page(status: int) -> None:
    assert str(status) in PAGE


def test_each_row_says_what_its_default_its_setting_and_its_answer_are() -> None:
    rows = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert [row for row in rows if len(row) != 4 or not all(cell.strip() for cell in row)] == []


WORDS = {
    "lookup_turns": "of which it is looked up at one time whose they are | 2, of 1,000 that wait for 10 s |",
    "test_turns": "tests of a channel | 1 in 10 s, one of an organization at one time |",
    "proof_turns": "proofs of an organization at work | 1 |",
    "row_turns": "reports and lists with several filters of an organization at work | 1 |",
    "part_turns": "reports with a filter of an organization at work; that wait | 1; 3 |",
    "export_turns": "exports of an organization at work | 2 |",
}
"""How the page says what an organization may have at work at once."""


def test_everything_of_which_an_organization_has_turns_stands_on_the_page() -> None:
    assert {each.name for each in fields(Services) if each.name.endswith("_turns") and each.init} == WORDS.keys()
    assert [words for words in WORDS.values() if words not in PAGE] == []


def test_the_limits_of_the_console_stand_on_the_page() -> None:
    yaml = f"{yaml_text.LONGEST:,} characters, {yaml_text.MOST:,} parts, {yaml_text.DEEPEST} levels, {draft.MOST_STEPS} steps"
    megabytes = f"{FORM_BYTES / 2**20:g} MB, {FILE_BYTES / 2**20:g} MB"
    numbers = [yaml, megabytes, f"number and colour | {editor.NUMBERED:,} |", f"before a publish | {difference.MOST_LINES:,} |"]
    assert [each for each in numbers if each not in PAGE] == []
    assert definition.MOST_LINES == editor.NUMBERED
    assert (
        max(each.max_length for each in SequenceCreate.model_fields["steps"].metadata if hasattr(each, "max_length"))
        == draft.MOST_STEPS
    )


def test_the_time_of_a_text_of_a_channel_and_of_a_notification_stands_on_the_page() -> None:
    assert f"for one request; at save, for each | {templates.SECONDS:g} s |" in PAGE
    assert f"for filling in a text | {text.SECONDS:g} s |" in PAGE
