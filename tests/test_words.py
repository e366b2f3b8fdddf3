"""Docstrings and comments are sentences: turns of phrase that once made them riddles do not come back."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
SOURCES = sorted([*ROOT.glob("*.py"), *(path for part in PACKAGES for path in (ROOT / part).rglob("*.py"))])

INSTEAD = {
    r"\bNone: ": "say what None means in a sentence, such as: With None, all rows count.",
    r"(?<!there )\b(?:is|are|was|as) none\b": "say what it is not, such as: not a link; counts as empty",
    r"\banew\b": "again",
    r"\bmend(?:s|ed|ing)?\b": "fix, correct or change",
    r"\bsettle(?:s|d)?\b": "mark a signal or a command, record a result, release a click, close a message",
}


def written(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring and comment."""
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def found_in(text: str) -> list[str]:
    return [words for pattern, words in INSTEAD.items() if re.search(pattern, text)]


def test_docstrings_and_comments_are_not_telegrams() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in SOURCES
        for line, text in written(path)
        for words in found_in(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The page after this one; None: there is no more.", 1),
        ("A file that is missing is as none.", 1),
        ("Starts it anew.", 1),
        ("Lists the fields to mend.", 1),
        ("Signals that are settled stay for a day.", 1),
        ("Returns the next page, or None on the last one. Nobody recommends more.", 0),
    ],
)
def test_what_would_be_found(text: str, words: int) -> None:
    assert len(found_in(text)) == words
