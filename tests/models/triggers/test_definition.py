"""A trigger is refused when it cannot mean anything."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.triggers.definition import TriggerDefinition

TAG = {"kind": "tag", "tags": ["hot"]}


def trigger(**fields: Any) -> TriggerDefinition:
    return TriggerDefinition.model_validate({"key": "hot", "actions": [TAG], **fields})


def test_a_trigger_fires_once_on_a_click_of_any_link_unless_it_says_otherwise() -> None:
    found = trigger()
    assert (found.when, found.link, found.times, found.within) == ("clicked", None, 1, None)
    assert [action.on_failure for action in found.actions] == ["continue"]


@pytest.mark.parametrize(
    "fields",
    [
        {"actions": []},
        {"actions": [TAG] * 21},
        {"actions": [{"kind": "explode"}]},
        {"actions": [{"kind": "tag", "tags": []}]},
        {"actions": [{"kind": "tag", "tags": ["a,b"]}]},
        {"key": "Hot"},
        {"times": 0},
        {"times": True},
        {"within": "1 day"},
        {"when": "not_clicked"},
        {"when": "not_clicked", "within": "P3D", "times": 2},
        {"unknown": 1},
    ],
)
def test_a_trigger_that_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        trigger(**fields)
