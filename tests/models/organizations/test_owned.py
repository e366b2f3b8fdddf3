"""Whose a row is: one rule, in one place."""

import ast
from pathlib import Path
from uuid import uuid4

import pytest

from models.contacts.contact import Contact
from models.errors import NotFound
from models.organizations.owned import owned, require_owned

ROOT = Path(__file__).parents[3]
CODE = ("models", "services", "activities", "workflows", "api")
THE_RULE = "models/organizations/owned.py"


def test_a_row_of_the_organization_is_returned() -> None:
    row = Contact(org_id=uuid4())
    assert owned(row, row.org_id) is row
    assert require_owned(row, row.org_id, "contact") is row


@pytest.mark.parametrize("row", [None, Contact(org_id=uuid4())])
def test_a_row_of_another_organization_looks_like_no_row(row: Contact | None) -> None:
    assert owned(row, uuid4()) is None
    with pytest.raises(NotFound, match=r"^No such contact\.$"):
        require_owned(row, uuid4(), "contact")


def test_nobody_else_decides_whose_a_row_is() -> None:
    """A comparison of a row's `org_id` outside of a statement is a copy of the rule."""
    copies = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for part in CODE
        for path in (ROOT / part).rglob("*.py")
        if str(path.relative_to(ROOT)) != THE_RULE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and _compares_rows(node)
    }
    assert copies == set()


def _compares_rows(node: ast.Compare) -> bool:
    """A statement's comparison has a column on one side: `col(Contact.org_id) == org_id`."""
    sides = (node.left, *node.comparators)
    in_a_statement = any(isinstance(side, ast.Call) for side in sides)
    of_a_row = any(isinstance(side, ast.Attribute) and side.attr == "org_id" for side in sides)
    return isinstance(node.ops[0], ast.Eq | ast.NotEq) and of_a_row and not in_a_statement
