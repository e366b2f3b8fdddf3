"""Faults name fields as the editor does, not as the API does."""

import pytest

from console.words.fields import label_of


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("message.body", "Text"),
        ("message.links.offer", "Link offer"),
        ("triggers[0].actions[1].message.body", "Trigger 1, action 2: Text"),
        ("triggers[2].segment_id", "Trigger 3: Segment"),
        ("triggers[2]", "Trigger 3"),
        ("audience.tags[0]", "Audience"),
        ("steps[0].kind", "steps[0].kind"),
    ],
)
def test_a_field_has_the_label_that_is_seen(field: str, label: str) -> None:
    assert label_of(field) == label
