"""The text part that is made from an HTML part."""

import pytest
from pydantic import ValidationError

from models.sequences.steps.message import MessageTemplate
from services.contents.compile_content import compile_message, template_errors
from services.contents.text_of_html import LONGEST_HTML

PAGE = """
<html><head><title>Not shown</title><style>p { color: red }</style></head><body>
<h1>Hello {{ contact.first_name }}</h1>
<p>Look at <a href="{{ links.offer }}">our offer</a> &amp; more{% if contact.tags contains "vip" %}, soon{% endif %}.</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
</body></html>
"""
OFFER = {"offer": "https://www.example.com/offer"}


def message(html: str | None, body: str | None = None, **links: str) -> MessageTemplate:
    return MessageTemplate(subject="Hello", body=body, html=html, links=links)


def test_it_has_the_words_the_liquid_and_the_links_of_the_page() -> None:
    compiled, errors = compile_message(message(PAGE, **OFFER), "message")
    assert errors == []
    assert compiled is not None
    assert compiled.body.split("\n\n") == [
        "Hello {{ contact.first_name }}",
        'Look at [our offer]({{ tracked_links[0] }}) & more{% if contact.tags contains "vip" %}, soon{% endif %}.',
        "[Unsubscribe]({{ unsubscribe_url }})",
    ]
    assert [link.url for link in compiled.links] == [OFFER["offer"]]


def test_the_text_that_the_author_wrote_stays() -> None:
    compiled, _ = compile_message(message(PAGE, "{{ links.offer }} {{ unsubscribe_url }}", **OFFER), "message")
    assert compiled is not None
    assert compiled.body == "{{ tracked_links[0] }} {{ unsubscribe_url }}"


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<img src='https://www.example.com/a.png'>", "shows no text"),
        ("<p>a</p>" * (LONGEST_HTML // 8 + 1), "at most 50,000 characters"),
        ("<p>" + "a" * 20_001 + "</p>", "20,001 characters"),
        ("<p title='{{ unsubscribe_url }}'>Hello</p>", "unsubscribing"),
    ],
    ids=["no text", "a long page", "a long text", "a hidden address"],
)
def test_where_none_can_be_made_the_author_is_asked_for_one(html: str, words: str) -> None:
    (error,) = template_errors(message(html), "message")
    assert error.field == "message.body"
    assert words in error.message


def test_a_message_without_text_and_html_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs a body"):
        message(None)
