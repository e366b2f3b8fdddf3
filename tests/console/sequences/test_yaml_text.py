"""YAML as people type it: what is read, at which line everything stands, what is refused, and changes that leave the rest."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.areas.sequences.yaml_definition import as_body, as_yaml
from console.areas.sequences.yaml_text import DEEPEST, LONGEST, Unreadable, dump, read, with_entry, with_items

TEXT = """\
name: Welcome   # a note
utm: { source: linkwake, medium: sms }
steps:
  - kind: send
    key: hello
    message:
      body: |
        Hi,
        {{ links.guide }}
      links:
        guide: htps://example.com

  # the wait
  - kind: wait_for_click
    key: wait
    timeout: P3D
  - {kind: end, key: over}
"""
LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | LETTERS
    | st.sampled_from(["no", "on", "1:30", "2026-01-01", "", "~", " a", "a: b", "- x", "#", "1e5"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LETTERS, inner, max_size=4), max_leaves=12
)


def test_everything_has_a_line() -> None:
    root = read(TEXT)
    lines = {
        "name": 1,
        "utm.medium": 2,
        "steps": 3,
        "steps[0].key": 5,
        "steps[0].message.links.guide": 11,
        "steps[1].timeout": 16,
        "steps[1].on_click": 14,
        "steps[2].outcome": 17,
        "steps[7].key": 3,
        "nothing": 1,
    }
    assert {path: root.line_of(path) for path in lines} == lines
    body = root.at("steps[0].message.body")
    assert body is not None
    assert body.text_line == 8


def test_names_with_dots_are_found() -> None:
    root = read("steps:\n  - change:\n      a: 1\n      a.b: 2\n")
    assert (root.line_of("steps[0].change.a.b"), root.line_of("steps[0].change.a")) == (4, 3)


def test_words_are_words_and_numbers_are_numbers() -> None:
    given = "a: no\nb: on\nc: 1:30\nd: 2026-01-01\ne: 12\nf: 1.5\ng: true\nh: null\ni:\nj: '12'\nk: 007\n"
    assert list(read(given).value.values()) == ["no", "on", "1:30", "2026-01-01", 12, 1.5, True, None, None, "12", "007"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "nothing here"),
        ("a: 1\nb: [", 3, "no YAML"),
        ("a: 1\nb: {{ x }}", 2, "quotes"),
        ("a: 1\n\tb: 2", 2, "no YAML"),
        ("a: 1\na: 2", 2, "twice"),
        ("a: &x 1\nb: *x", 1, "Anchors"),
        ("a: !!python/object:os.system 1", 1, "Tags"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("\x00", 1, "characters"),
        ("x" * (LONGEST + 1), 1, "longer"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), 1, "levels"),
        ("[" * 100_000, 1, "levels"),
        ("a: [" + "1," * 50_000 + "1]", 1, "parts"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert refused.value.fault.line == line
    assert words in refused.value.fault.message


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    began = time.process_time()
    with pytest.raises(Unreadable):
        read("\n".join(["a0: &a0 lol", *levels]))
    assert time.process_time() - began < 1


@given(VALUES)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    assert read(dump({"value": value})).value == {"value": value}


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
