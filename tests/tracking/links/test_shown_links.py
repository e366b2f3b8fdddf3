"""The addresses that somebody can open in a received message."""

import pytest

from tracking.links.shown_links import shown_links


@pytest.mark.parametrize(
    ("body", "html", "links"),
    [
        ("", None, []),
        ("Not https:// alone", None, []),
        ("https://a.example/1, https://a.example/2 https://a.example/1", None, ["https://a.example/1", "https://a.example/2"]),
        (
            "https://a.example/1",
            '<a href="https://a.example/1?x=1&amp;y=2">',
            ["https://a.example/1", "https://a.example/1?x=1&y=2"],
        ),
        ("https://a.example/1", '<a href="https://a.example/1">', ["https://a.example/1"]),
    ],
)
def test_each_address_is_there_once_with_those_of_the_text_first(body: str, html: str | None, links: list[str]) -> None:
    assert shown_links(body, html) == links
