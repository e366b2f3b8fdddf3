"""Definitions as the builder shows them: each comes back with the same meaning."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.areas.segments.kinds import KINDS
from console.areas.segments.tree import as_definition, mark_faults, read_definition
from console.words.times import Times
from models.segments.definition import FORMS, GROUPS
from models.segments.definition import as_json as saved
from models.segments.definition import read_definition as parsed

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TIMES = Times("Europe/Oslo")
LEAVES: list[dict[str, Any]] = [
    {"kind": "tags", "has": "all", "tags": ["vip", "staff"]},
    {"kind": "field", "name": "email", "contains": "example.com"},
    {"kind": "field", "name": "phone", "exists": False},
    {"kind": "property", "name": "plan", "equals": "gold"},
    {"kind": "property", "name": "plan", "equals": "12", "not_equals": True},
    {"kind": "property", "name": "plan", "equals": "NaN", "not_equals": "Infinity"},
    {"kind": "property", "name": "logins", "greater": 10, "less": 20.5},
    {"kind": "property", "name": "since", "greater": "2026-03-01T09:00:00Z"},
    {"kind": "created_at", "after": "2026-03-01T09:00:00Z", "before": "2026-07-01T09:00:00Z"},
    {"kind": "last_click", "within": "P60D"},
    {"kind": "last_click", "longer_ago": "P1DT2H3M4S"},
    {"kind": "clicks", "at_least": 3, "at_most": 9},
    {"kind": "clicked"},
    {"kind": "clicked", "campaign_id": ID, "link": "offer"},
    {"kind": "not_clicked", "link_id": ID},
    {"kind": "received", "sequence_id": ID, "at_least": 2, "within": "PT12H"},
    {"kind": "consent", "state": "opted_out", "medium": "sms", "message_kind": "transactional"},
    {"kind": "has_email"},
    {"kind": "has_phone"},
    {"kind": "replied"},
]


def groups(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return (
        several.map(lambda each: {"all": each}) | several.map(lambda each: {"any": each}) | inner.map(lambda each: {"not": each})
    )


def plain(condition: Any) -> Any:
    """Without what means nothing: a group of one, and a `not` of a `not`."""
    if "not" in condition:
        inner = plain(condition["not"])
        return inner.get("not", {"not": inner})
    for join in ("all", "any"):
        if join in condition:
            inside = [plain(each) for each in condition[join]]
            return inside[0] if len(inside) == 1 else {join: inside}
    return condition


def test_the_builder_knows_every_kind_of_the_api() -> None:
    assert set(KINDS) == set(FORMS) - set(GROUPS)


@pytest.mark.parametrize(
    "leaf", LEAVES, ids=lambda leaf: "-".join(str(each) for each in leaf.values() if isinstance(each, str))[:40]
)
def test_every_condition_comes_back_as_it_was(leaf: dict[str, Any]) -> None:
    kept = saved(parsed(leaf))
    written, _ = as_definition(read_definition(kept, TIMES), TIMES)
    assert saved(parsed(written)) == {"all": [kept]}


@given(st.recursive(st.sampled_from(LEAVES), groups, max_leaves=8))
def test_groups_come_back_with_the_same_meaning(definition: dict[str, Any]) -> None:
    kept = saved(parsed(definition))
    written, _ = as_definition(read_definition(kept, TIMES), TIMES)
    assert plain(saved(parsed(written))) == plain(kept)


def test_a_fault_stands_at_its_condition() -> None:
    definition = {"all": [{"kind": "has_email"}, {"not": {"any": [{"kind": "replied"}, {"kind": "clicked"}]}}]}
    root = read_definition(definition, TIMES)
    _, paths = as_definition(root, TIMES)
    left = mark_faults(paths, {"definition.all[1].not.any[1].campaign_id": "There is none.", "name": "It is too long."})
    assert root.rules[1].rules[1].fault == "There is none."
    assert left == {"name": "It is too long."}
