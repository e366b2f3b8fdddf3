"""The words for who clicked are written once, and explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.clicks.verdict import Reason, Verdict

ROOT = Path(__file__).parents[3]
CODE = ("models", "tracking", "services", "activities", "workflows", "api")
THE_WORDS = ROOT / "models" / "clicks" / "verdict.py"
IN_STATEMENT = re.compile(r"\bverdict (?:=|<>) '(\w+)'")


def texts() -> Iterator[tuple[str, str]]:
    """Every text in the product's code but the words' own file, and where it stands."""
    for part in CODE:
        for path in (ROOT / part).rglob("*.py"):
            if path != THE_WORDS:
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def test_no_other_file_writes_a_verdict_as_a_text() -> None:
    """`bot` is a type of device too."""
    wrong = [where for where, text in texts() if text in set(Verdict) and not where.startswith("services/clicks/device_types.py")]
    assert wrong == []


def test_statements_ask_for_verdicts_that_exist() -> None:
    asked = {word for _, text in texts() for word in IN_STATEMENT.findall(text)}
    assert Verdict.HUMAN in asked
    assert asked <= set(Verdict)


def test_words_are_plain_text_for_the_database() -> None:
    assert f"{Reason.BROWSER} {Reason.BROWSER.verdict}" == "browser human"


@pytest.mark.parametrize("verdict", Verdict)
def test_each_reason_is_explained_beside_its_verdict(verdict: Verdict) -> None:
    (row,) = re.findall(rf"^\| `{verdict}` \| (.*) \|$", (ROOT / "docs" / "tracking.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {reason for reason in Reason if reason.verdict is verdict}
