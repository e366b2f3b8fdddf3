"""Whether the work on a text grows with its length, whatever is in it.

Compared are times of the processor at one length and at eight times that length, in this process, so that a slow machine changes
nothing: linear work takes 8 times as long, n log n about 10 times, work that grows with the square 64 times.
"""

import contextlib
import time
from collections.abc import Callable

from tracking.templates.template import analysis, parse

SHORT, FACTOR, LIMIT = 2_000, 8, 24
LEAST = 0.0005  # seconds: what is quicker is measured as this

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
    *("\u0301\u0316", "e\u0301", "\u0f73", "http://e\u0301\u0316.b/"),  # accents, which a normal form sorts
]
"""Pieces of which texts are made that take long to read."""


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
