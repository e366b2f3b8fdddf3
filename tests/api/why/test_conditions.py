"""Every kind of condition can be said in words."""

from typing import Any
from uuid import uuid4

import pytest

from api.why.conditions import CLAUSES, condition_clause, value_sentence
from models.segments.definition import FORMS, GROUPS, as_json, read_definition

CAMPAIGN = {"campaign_id": str(uuid4())}


def test_every_kind_has_words() -> None:
    assert set(CLAUSES) == set(FORMS) - set(GROUPS)


@pytest.mark.parametrize(
    ("condition", "clause"),
    [
        ({"kind": "clicked"}, "the contact has clicked a link"),
        (
            {"kind": "not_clicked", **CAMPAIGN, "link": "offer"},
            "the contact has not clicked the link 'offer' of the campaign 'Spring'",
        ),
        ({"kind": "clicks", "at_least": 3}, "the number of clicks is 3 or more"),
        ({"kind": "consent", "state": "opted_in", "medium": "sms"}, "the contact has opted in to marketing messages by SMS"),
        ({"kind": "field", "name": "first_name", "contains": "a", "exists": True}, "the first name contains 'a' and is there"),
        ({"kind": "has_email"}, "the contact has an e-mail address"),
        ({"kind": "property", "name": "paid", "equals": True, "not_equals": 2}, "the property 'paid' is true and is not 2"),
        ({"kind": "received", "at_least": 5}, "the contact has got at least 5 messages"),
        ({"kind": "replied"}, "the contact has written back"),
        ({"kind": "tags", "tags": ["a", "b"]}, "the contact has one of the tags 'a', 'b'"),
        ({"kind": "tags", "has": "none", "tags": ["a"]}, "the contact does not have the tag 'a'"),
    ],
)
def test_a_condition_is_said_in_words(condition: dict[str, Any], clause: str) -> None:
    about = "campaign 'Spring'" if "campaign_id" in condition else None
    assert condition_clause(as_json(read_definition(condition)), about) == clause


@pytest.mark.parametrize("kind", ["created_at", "last_click", "received"])
@pytest.mark.parametrize(
    ("compared", "words"),
    [
        ({"within": "P7D"}, "is not longer ago than 7 days"),
        ({"longer_ago": 90}, "is longer ago than 1 minute 30 seconds"),
        ({"after": "2026-01-01T09:00:00Z"}, "is 2026-01-01 09:00 UTC or later"),
    ],
)
def test_times_are_compared_in_words(kind: str, compared: dict[str, Any], words: str) -> None:
    assert condition_clause(as_json(read_definition({"kind": kind, **compared})), None).endswith(words)


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("tags", None, " It has no tags."),
        ("tags", ["basic"], " It has the tag 'basic'."),
        ("property", None, " It has no value."),
        ("field", "Ada", " It is 'Ada'."),
        ("created_at", "2026-01-01T09:00:00+00:00", " It is 2026-01-01 09:00 UTC."),
        ("clicked", None, ""),
    ],
)
def test_the_value_of_the_contact_is_said(kind: str, value: Any, told: str) -> None:
    assert value_sentence({"kind": kind}, value) == told
