"""Changes to YAML leave everything else as it was typed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.areas.sequences.yaml_changes import with_entry, with_items
from console.areas.sequences.yaml_comments import comments
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


NOTED = """\
# top
name: Welcome # a name
triggers: # of all
  - key: hot # one
    # two
    actions: []

# the steps
steps:
  # first
  - kind: wait # how long
    key: rest
    duration: P1D # a day

  # last
  - kind: end # over
    key: over
# bottom"""
ALL = [
    "# top",
    "# a name",
    "# of all",
    "# one",
    "# two",
    "# the steps",
    "# first",
    "# how long",
    "# a day",
    "# last",
    "# over",
    "# bottom",
]


def words(text: str) -> list[str]:
    return sorted(each.text for each in comments(text))


def test_no_change_of_a_step_loses_a_comment() -> None:
    steps = read(NOTED).value["steps"]
    changed = with_items(NOTED, "steps", [{**steps[0], "duration": "P2D"}, steps[1]], {1: 1})
    assert words(changed) == sorted(ALL)
    assert "  # last\n  - kind: end # over" in changed
    assert changed.index("# a day") < changed.index("- kind: wait")
    again = with_items(changed, "steps", [{**steps[0], "duration": "P3D"}, {**steps[1], "key": "done"}], {})
    assert words(again) == sorted(ALL)
    assert read(again).value["steps"] == [{**steps[0], "duration": "P3D"}, {**steps[1], "key": "done"}]


def test_no_change_of_an_entry_loses_a_comment() -> None:
    for name, value in (
        ("name", "Hello"),
        ("triggers", [{"key": "cold"}]),
        ("triggers", None),
        ("steps", []),
        ("utm", {"a": "b"}),
    ):
        changed = with_entry(NOTED, name, value)
        assert words(changed) == sorted(ALL)
        assert read(changed).value.get(name) == value
    flow = "{name: x, # one\n steps: []} # two"
    assert words(with_entry(flow, "name", "y")) == ["# one", "# two"]
    assert read(with_entry(flow, "name", "y")).value["name"] == "y"


def test_a_list_in_one_line_keeps_its_comments_when_it_is_written_in_several() -> None:
    text = "steps: [{kind: end, # one\n  key: over}] # two\n"
    changed = with_items(text, "steps", [{"kind": "end", "key": "done"}], {})
    assert words(changed) == ["# one", "# two"]
    assert read(changed).value["steps"] == [{"kind": "end", "key": "done"}]
