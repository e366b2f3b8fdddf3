"""The demo's tables show every kind of entry that a conversation can have."""

from typing import Any, get_args

import pytest

from api.contacts.conversations import Item
from demo.tables import _line

ENTRIES: dict[str, dict[str, Any]] = {
    "message": {"body": "Look at this", "reason": None},
    "click": {"city": "Berlin", "country": "DE", "device_type": "phone", "link": {"name": "offer", "url": "https://example.com"}},
    "step": {"event": "left", "step_key": "hello", "outcome": "sent", "branch": "wait"},
    "trigger": {"summary": "clicked 'offer' → tagged 'hot'"},
    "consent": {"state": "opted_out", "source": "sms_word"},
    "suppression": {"summary": "the phone number was suppressed for everything, because its owner opted out"},
    "inbound_message": {"body": "STOP", "meaning": "stop"},
    "trigger_refusal": {"summary": "clicked 'offer', and nothing followed: it came too late"},
}


@pytest.mark.parametrize("kind", [item.model_fields["kind"].default for item in get_args(get_args(Item)[0])])
def test_every_kind_of_entry_is_one_line(kind: str) -> None:
    line = _line({"kind": kind, **ENTRIES[kind]})
    assert line
    assert "\n" not in line
