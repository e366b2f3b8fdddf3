"""The page of the API has every status and every code that an error can have."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from api.description.reference import ERRORS
from models.errors import Conflict, ConflictCode, LinkwakeError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text()


def kinds(kind: type[LinkwakeError] = LinkwakeError) -> Iterator[type[LinkwakeError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def test_every_status_and_code_of_an_error_stands_on_the_page() -> None:
    written = re.findall(r"^\| (\d{3}) \| (?:`(\w+)`|one of those below) \| .+ \|$", PAGE, re.MULTILINE)
    assert set(written) == {(str(kind.status), "" if kind is Conflict else kind.code) for kind in kinds()}
    assert [status for status, _ in written] == sorted(str(kind.status) for kind in kinds())


def test_every_code_of_a_conflict_stands_on_the_page() -> None:
    conflicts = PAGE.partition("## Conflicts")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", conflicts, re.MULTILINE) == list(ConflictCode)


def test_every_error_has_advice() -> None:
    assert set(ERRORS) == set(kinds())


def test_no_problem_has_a_code_that_only_its_place_knows() -> None:
    """So that the classes of errors are all that there is."""
    literal = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "api").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "problem_response"
        if not (isinstance(node.args[1], ast.Attribute) and node.args[1].attr == "code")
    ]
    assert literal == []
