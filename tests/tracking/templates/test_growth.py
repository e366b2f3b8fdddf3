"""What a text costs grows with its length, whatever is in it: nobody can write one that holds up everybody else."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.growth import LIMIT, SUBJECTS, growth
from tracking.links.html import compile_html
from tracking.links.links import compile_text
from tracking.links.markup import link_addresses
from tracking.links.segments import count_segments
from tracking.templates.merge import judge
from tracking.templates.template import check_rendering, outer_variables

READERS: list[Callable[[str], object]] = [
    check_rendering,
    compile_text,
    compile_html,
    lambda text: (count_segments(text), list(link_addresses(text)), judge(text)),
]


@pytest.mark.parametrize("pattern", SUBJECTS)
def test_one_piece_repeated_costs_what_its_length_says(pattern: str) -> None:
    for read in READERS:
        assert growth(read, pattern) <= LIMIT


@pytest.mark.parametrize(
    ("before", "pattern", "after"),
    [
        ("{% comment %}", "{% raw %}", "{% endcomment %}"),
        ("{{ ", "(", " }}"),
        ("<a ", "a ", ">"),
        ("<a ", "a=", ">"),
        ("<a href='http://a/", "&#", "'>"),
        ("<a href='http://a/", "{% if contact.id %}http://b{% endif %}", "'>"),
        ("<svg>" * 500, "</b>", ""),
        ("http://a/", "(", ""),
        ("http://a.b/?", "a=1&", ""),
        ("http://a.b/", "{{ contact.id }}", ""),
        ("http://a'", "a'", "@"),
        ("{% if 1", " and 1", " %}{% endif %}"),
    ],
)
def test_one_piece_repeated_inside_of_something_costs_what_its_length_says(before: str, pattern: str, after: str) -> None:
    for read in READERS:
        assert growth(read, pattern, before, after) <= LIMIT


@settings(max_examples=40)
@given(st.lists(st.sampled_from(SUBJECTS), min_size=2, max_size=5).map("".join), st.sampled_from(READERS))
def test_any_mixture_costs_what_its_length_says(pattern: str, read: Callable[[str], object]) -> None:
    assert growth(read, pattern) <= LIMIT


def test_a_text_at_all_limits_is_read_in_a_counted_number_of_pieces() -> None:
    assert len(outer_variables("{{ contact.id }}" * 2_000)) == 2_000
