"""What a text costs grows with its length, whatever is in it: nobody can write one that holds up everybody else.

Compared are times of the processor at one length and at eight times that length, in this process, so that a slow machine changes
nothing: linear work takes 8 times as long, n log n about 10 times, work that grows with the square 64 times.
"""

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.links.html import compile_html
from tracking.links.links import compile_text
from tracking.links.markup import link_addresses
from tracking.links.segments import count_segments
from tracking.templates.merge import judge
from tracking.templates.template import analysis, check_rendering, outer_variables, parse

SHORT, FACTOR, LIMIT = 2_000, 8, 24
LEAST = 0.0005  # seconds: what is quicker is measured as this

READERS: list[Callable[[str], object]] = [
    check_rendering,
    compile_text,
    compile_html,
    lambda text: (count_segments(text), list(link_addresses(text)), judge(text)),
]

SUBJECTS = [
    *(
        "{{",
        "}}",
        "{%",
        "{{-",
        "-}}",
        "{{ ",
        "{% raw %}",
        "{% endraw %}",
        "{% comment %}",
        "{% endcomment %}",
        "{% doc %}",
        "{{ contact.id }}",
    ),
    *(
        "{% if contact.id %}",
        "{% endif %}",
        "{{ (",
        "{{ a['",
        "{{ '",
        '{{ "a',
        " " * 40,
        "\n",
        "{{ 1 | append: 'a' }}",
        "{% liquid\n",
    ),
    *(
        "{% capture a %}",
        "{% endcapture %}",
        "{{ a }}",
        "{% untracked %}",
        "{% enduntracked %}",
        "{% assign a = 1 %}",
        "{% for a in (1..2) %}",
    ),
    *(
        "http://a.b ",
        "http://a/[",
        "http://a/(",
        "http://",
        "http://a日本",
        "http://a@",
        "a.a@b",
        "mailto:",
        "a+a://",
        "www.",
        "https://a.b/?x=",
        "'",
    ),
    *(
        "<",
        "<a ",
        '<a href="',
        "<a href='http://a.b'>",
        "<!--",
        "-->",
        "</a",
        "<title>",
        "<script>",
        "<svg>",
        "</svg>",
        "<title/>",
        "=",
        "/",
        '"',
        ">",
    ),
    *("&#", "&#9", "&#x1F", "&a", "&amp", ";", "&copy=", "a", ".", "-", "[", "]", "日", "🎉", "\x0c", "€"),
]


def cost(read: Callable[[str], object], text: str) -> float:
    parse.cache_clear()
    analysis.cache_clear()
    start = time.thread_time()
    with contextlib.suppress(ValueError):  # what is refused has its price too
        read(text)
    return time.thread_time() - start


def growth(read: Callable[[str], object], pattern: str, before: str = "", after: str = "") -> float:
    """How many times longer the long text takes than the short one; the quickest of some attempts counts."""
    repeats = max(SHORT // len(pattern), 1)
    short, long = (before + pattern * count + after for count in (repeats, repeats * FACTOR))
    found = float("inf")
    for _ in range(6):
        found = min(found, cost(read, long) / max(cost(read, short), LEAST))
        if found <= LIMIT:
            break
    return found


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
