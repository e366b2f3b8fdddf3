"""A sequence as YAML: without what goes without saying."""

from typing import Any

from console.areas.sequences.yaml_definition import as_body, as_yaml


def test_a_definition_is_written_without_what_goes_without_saying() -> None:
    sequence: dict[str, Any] = {
        **as_body({"name": "Welcome"}),
        "steps": [
            {
                "kind": "send",
                "key": "a",
                "channel": "x",
                "message": {"kind": "marketing", "valid_for": None, "subject": None, "body": "b", "html": None, "links": {}},
                "triggers": [],
                "next": None,
            },
            {
                "kind": "update_contact",
                "key": "b",
                "change": {"tags_add": [], "tags_remove": ["x"], "fields": {}, "properties": {"plan": None}},
                "next": None,
            },
            {"kind": "end", "key": "c", "outcome": "completed"},
        ],
    }
    text = as_yaml(sequence)
    assert text == (
        "name: Welcome\nsteps:\n  - kind: send\n    key: a\n    channel: x\n    message:\n      body: b\n"
        "  - kind: update_contact\n    key: b\n    change:\n      tags_remove:\n        - x\n"
        "      properties:\n        plan: null\n"
        "  - kind: end\n    key: c\n"
    )
