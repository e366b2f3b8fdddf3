"""Templates as pieces with their places."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.templates.source import Kind, SourceError, line_and_column, pieces


def split(source: str) -> list[tuple[str, str]]:
    return [(piece.kind.value, source[piece.start : piece.end]) for piece in pieces(source)]


@pytest.mark.parametrize(
    ("index", "place"), [(-1, (1, 1)), (0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 3)), (6, (3, 1)), (7, (3, 2))]
)
def test_lines_and_columns_count_from_one(index: int, place: tuple[int, int]) -> None:
    assert line_and_column("ab\ncd\ne", index) == place


def test_an_error_says_where_it_is_and_works_without_a_place() -> None:
    assert str(SourceError("bad.", 2, 3)) == "line 2, column 3: bad."
    assert str(SourceError("bad.")) == "bad."


def test_text_outputs_and_tags_are_told_apart() -> None:
    source = "a {{- contact.id | default: 'x' -}} b {%- if c -%}d{% endif %}"
    assert split(source) == [
        ("text", "a "),
        ("output", "{{- contact.id | default: 'x' -}}"),
        ("text", " b "),
        ("tag", "{%- if c -%}"),
        ("text", "d"),
        ("tag", "{% endif %}"),
    ]
    assert [piece.inner for piece in pieces(source)] == ["", "contact.id | default: 'x'", "", "if", "", "endif"]


@pytest.mark.parametrize(
    "source",
    ["{% raw %}{{ a }} b{% endraw %}", "{%- raw -%}{% if %}{%- endraw -%}", "{% doc %}{{ a }}{% enddoc %}"],
)
def test_what_is_raw_is_hidden(source: str) -> None:
    assert split(source) == [("hidden", source)]


def test_comments_are_hidden_with_the_comments_inside_them() -> None:
    source = "{% comment %}a{% comment %}{{ b }}{% endcomment %}{% if %}{% endcomment %}c{{ d }}"
    parts = split(source)
    assert [text for kind, text in parts if kind != "hidden"] == ["{% comment %}", "{% endcomment %}", "c", "{{ d }}"]


@given(
    st.lists(
        st.sampled_from(
            ["a", "\n", "{{ b }}", "{% if c %}", "{% raw %}", "{% endraw %}", "{% comment %}", "{% endcomment %}", "{", "%}"]
        )
    )
)
def test_no_character_is_lost_or_seen_twice(parts: list[str]) -> None:
    source = "".join(parts)
    row = list(pieces(source))
    assert "".join(source[piece.start : piece.end] for piece in row) == source
    assert all(one.end == other.start for one, other in itertools.pairwise(row))
    assert all(piece.kind in Kind for piece in row)
