"""JSON read row by row is the same JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http.json_rows import LARGEST_ROW, MOST_ROWS, read_rows
from models.errors import Invalid

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@settings(max_examples=40)
@given(VALUES | st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1]), st.booleans())
def test_it_reads_what_json_reads(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read_rows(f" {text}\n") == value


@settings(max_examples=20)
@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=3), st.data())
def test_what_is_cut_off_is_no_json(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    with pytest.raises(json.JSONDecodeError):
        read_rows(text[: data.draw(st.integers(0, len(text) - 1))])


def test_an_entry_that_a_window_cuts_is_whole_all_the_same() -> None:
    for size in (*range(2_030, 2_060), *range(16_370, 16_400)):
        for end in ('x"', '\\u00e9"', '\\""'):
            text = '{"rows": ["' + "x" * size + end + ", 12345.5e3, true, {}]}"
            assert read_rows(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"', '{"a" 1}', '{"a":', '{"a": [1', '{"a": [1 2]}', "{1: 2}", '{"a": 1} 2', "[1", "{,}", '{"a": [,]}']
)
def test_what_is_wrong_is_where_json_says_it_is(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as theirs:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as ours:
        read_rows(text)
    assert (ours.value.msg, ours.value.pos) == (theirs.value.msg, theirs.value.pos)


def test_a_list_is_not_read_beyond_what_any_route_takes() -> None:
    assert len(read_rows(json.dumps({"rows": [0] * MOST_ROWS}))["rows"]) == MOST_ROWS
    with pytest.raises(Invalid, match="At most 10,000 entries are possible"):
        read_rows('{"rows": [' + "0," * MOST_ROWS + "nonsense")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("".join(f'"{n}": [{"0," * 100}0], ' for n in range(100)), "entries"),
        ('"rows": [0], ' * MOST_ROWS + '"rows": [0], ', "(entries|fields)"),  # a name that is repeated leaves one field
        ('"rows": [], ' * MOST_ROWS + '"rows": [], ', "fields"),
        ('"rows": 0, ' * MOST_ROWS + '"rows": 0, ', "fields"),
    ],
    ids=["many lists", "one list again and again", "empty lists", "fields"],
)
def test_lists_and_fields_are_counted_together(text: str, what: str) -> None:
    with pytest.raises(Invalid, match=f"At most 10,000 {what} are possible"):
        read_rows("{" + text + "nonsense")


@pytest.mark.parametrize("row", ["[" + "[]," * LARGEST_ROW, '"' + "x" * LARGEST_ROW, "1" * LARGEST_ROW, '{"a":' * LARGEST_ROW])
def test_an_entry_is_not_read_beyond_its_limit(row: str) -> None:
    with pytest.raises((Invalid, RecursionError, ValueError)):
        read_rows('{"rows": [' + row)
