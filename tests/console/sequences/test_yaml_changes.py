"""Changes to YAML leave everything else as it was typed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.areas.sequences.yaml_changes import with_entry, with_items
from console.areas.sequences.yaml_text import read
from console.areas.sequences.yaml_writing import dump
from tests.console.sequences.test_yaml_text import TEXT
from tests.console.sequences.test_yaml_writing import LETTERS, VALUES


def test_an_entry_changes_and_the_rest_stays_as_it_was_typed() -> None:
    changed = with_entry(TEXT, "utm", {"source": "new"})
    assert changed == TEXT.replace("utm: { source: linkwake, medium: sms }\n", "utm:\n  source: new\n")
    assert with_entry(TEXT, "utm", None) == TEXT.replace("utm: { source: linkwake, medium: sms }\n", "")
    added = with_entry(TEXT, "end_on_reply", True)
    assert added == TEXT.replace("steps:", "end_on_reply: true\nsteps:")


def test_items_move_change_and_go_and_the_others_stay_as_they_were_typed() -> None:
    steps = read(TEXT).value["steps"]
    moved = with_items(TEXT, "steps", [steps[1], steps[0], steps[2]], {0: 1, 1: 0, 2: 2})
    assert read(moved).value["steps"] == [steps[1], steps[0], steps[2]]
    assert "# the wait" in moved
    assert "{kind: end, key: over}" in moved
    new = {"kind": "wait", "key": "rest", "duration": "P1D"}
    changed = with_items(TEXT, "steps", [steps[0], new, steps[2]], {0: 0, 2: 2})
    assert read(changed).value["steps"] == [steps[0], new, steps[2]]
    assert changed.startswith(TEXT[: TEXT.index("  - kind: wait_for_click")])
    gone = with_items(TEXT, "steps", steps[1:], {0: 1, 1: 2})
    assert read(gone).value["steps"] == steps[1:]
    assert read(with_items(TEXT, "steps", [], {})).value["steps"] == []
    flow = "steps: [{kind: end, key: over}]\n"
    assert read(with_items(flow, "steps", [new, {"kind": "end", "key": "over"}], {1: 0})).value["steps"][0] == new
    assert read(with_items("name: x\n", "steps", [new], {})).value == {"name": "x", "steps": [new]}


@given(st.lists(st.dictionaries(LETTERS, VALUES, min_size=1, max_size=3), min_size=1, max_size=5), st.randoms())
def test_items_in_any_order_are_those_items(items: list[Any], random: Any) -> None:
    order = list(range(len(items)))
    random.shuffle(order)
    wanted = [items[place] for place in order]
    kept = {new: old for new, old in enumerate(order) if random.random() < 0.5}
    text = dump({"name": "x", "steps": items, "triggers": []})
    assert read(with_items(text, "steps", wanted, kept)).value == {"name": "x", "steps": wanted, "triggers": []}
