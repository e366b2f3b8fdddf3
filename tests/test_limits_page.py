"""docs/limits.md has every limit that a caller can meet, with the setting that changes it and the answer beyond it."""

from pathlib import Path

import pytest

from models.errors import ConflictCode
from models.organizations.limits import Limits
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
