"""Paths name one value of a document, or none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.http.json_path import as_text, find, find_code, find_text, segments

DOCUMENT = {"a": {"b-c": [1, {"d": None}, "e"], "'": 2, "\\": 3}, "list": [], "ok": True, "größe": 4}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a['b-c'][0]", 1),
        ('$["a"]["b-c"][-1]', "e"),
        ("$.a['\\'']", 2),
        ("$['a']['\\\\']", 3),
        ("$.größe", 4),
        ("$.a['b-c'][1].d", None),
        ("$.a['b-c'][7]", None),
        ("$.a['b-c'][-4]", None),
        ("$.list[0]", None),
        ("$.a[0]", None),
        ("$.ok.more", None),
        ("$.missing.more", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert find(DOCUMENT, path) == value


@pytest.mark.parametrize(
    "path", ["", "a", "$.", "$a", "$..a", "$.*", "$[*]", "$[01]", "$[-0]", "$['a]", "$.a b", "$.b-c", "$[1:2]"]
)
def test_what_is_no_path_to_one_value_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"\$\.messages\[0\]\.id"):
        segments(path)


@given(st.lists(st.text() | st.integers(0, 9), max_size=5))
def test_every_name_and_index_can_be_written(wanted: list[str | int]) -> None:
    def written(segment: str | int) -> str:
        return f"[{segment}]" if isinstance(segment, int) else "['" + segment.replace("\\", "\\\\").replace("'", "\\'") + "']"

    assert list(segments("$" + "".join(map(written, wanted)))) == wanted


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (12, "12"), ("x", "x"), (None, None), ([1], None)])
def test_values_have_the_text_that_mappings_name(value: Any, text: str | None) -> None:
    assert as_text(value) == text


def test_a_text_that_is_empty_or_too_long_counts_as_missing() -> None:
    document = json.loads('{"empty": "", "long": "xxxxx", "number": 7}')
    assert find_text(document, "$.empty") is None
    assert find_text(document, "$.long", 4) is None
    assert find_text(document, "$.number") == "7"
    assert find_text(document, None) is None


@pytest.mark.parametrize(
    "code", ["E7", "131026", "2494010", "https://developer.example.com/errors#1050", "Invalid sender", 30007]
)
def test_a_code_is_kept(code: Any) -> None:
    assert find_code({"code": code}, "$.code") == str(code)


@pytest.mark.parametrize(
    "code", ["ada@example.com is wrong", "+4915100000777", "No such number: 0151 000-00777", "(030) 90 00.00 77", 4915100000777]
)
def test_a_code_that_holds_an_address_or_a_number_counts_as_missing(code: Any) -> None:
    assert find_code({"code": code}, "$.code") is None
