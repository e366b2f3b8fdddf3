"""Looking for many strings at once."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.templates.literals import Signs, any_literal, listed

STRINGS = st.lists(st.text("ab.(", min_size=1, max_size=4), max_size=8)


def test_nothing_is_found_by_no_string() -> None:
    assert "anything" not in Signs()
    assert re.search(any_literal([]), "") is None


@given(STRINGS, st.text("ab.(", max_size=12))
def test_a_tree_finds_what_a_look_for_each_string_finds(strings: list[str], text: str) -> None:
    assert bool(re.search(any_literal(strings), text)) == any(string in text for string in strings)


@pytest.mark.parametrize(("text", "found"), [("bot", True), ("a bot", True), ("_bot", True), ("robot", False), ("", False)])
def test_a_word_begins_where_no_letter_stands_before_it(text: str, found: bool) -> None:
    assert (text in Signs(words=["bot"])) is found


def test_patterns_and_strings_count_alike() -> None:
    signs = Signs(anywhere=["ab"], regexes=[r"^x\d"])
    assert "cabc" in signs
    assert "x1" in signs
    assert "yx1" not in signs


def test_a_written_list_has_commas_and_lines() -> None:
    assert listed(" a b, c,\n  d/ ,") == ["a b", "c", "d/"]
