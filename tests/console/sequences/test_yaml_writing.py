"""What is written as YAML: as a person would write it, and what `read` reads as the same."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from console.areas.sequences.yaml_text import Unreadable, read
from console.areas.sequences.yaml_writing import DEEPEST, dump

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


@given(VALUES)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    assert read(dump({"value": value})).value == {"value": value}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40) | st.text("a \n'#:", max_size=12))
def test_any_text_is_read_as_the_same(text: str) -> None:
    for value in ({"value": text, "next": 1}, [text, [text]], {text: [{"a": text}, text]}):
        assert read(dump(value)).value == value


@given(LETTERS | st.text("a \n'#:-?0123e._", max_size=12))
def test_other_readers_of_yaml_read_the_same_text(text: str) -> None:
    assert yaml.safe_load(dump({"value": text})) == {"value": text}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"body": "Hi,\n{{ links.guide }}"}, "body: |-\n  Hi,\n  {{ links.guide }}\n"),
        ({"body": "Hi\n\nyou\n"}, "body: |\n  Hi\n\n  you\n"),
        ([{"a": [1, None], "b": {}}, ["x", []], 1.5], "- a:\n    - 1\n    - null\n  b: {}\n- - x\n  - []\n- 1.5\n"),
        ({"text": "{{ who }}"}, "text: '{{ who }}'\n"),
        ({"text": "Hi {{ who }}, it's 5: look"}, "text: 'Hi {{ who }}, it''s 5: look'\n"),
        ({"id": "0198c0de-0000-7000-8000-000000000002"}, "id: 0198c0de-0000-7000-8000-000000000002\n"),
        ({"url": "https://example.com/?x=1#y"}, "url: https://example.com/?x=1#y\n"),
        ({"word": "no", "day": "2026-01-01", "number": "07"}, "word: 'no'\nday: '2026-01-01'\nnumber: '07'\n"),
        ({"text": "a\tb"}, 'text: "a\\tb"\n'),
    ],
)
def test_it_is_written_as_a_person_would(value: Any, written: str) -> None:
    assert dump(value) == written
    assert read(written).value == value


def test_a_name_that_is_too_long_for_a_line_is_read_as_the_same() -> None:
    value = {"x" * 5_000: {"a": 1}, "y" * 5_000: "b"}
    assert read(dump(value)).value == value


def test_what_stands_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(DEEPEST + 2):
        value = [value]
    with pytest.raises(Unreadable):
        dump(value)
