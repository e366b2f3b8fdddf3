"""Texts of a form of their own, wherever the API takes one: the error says which characters are possible."""

from typing import Any

import pytest

from tests.builders import Caller

WORD = "Write small letters a-z, digits and _, beginning with a letter: 63 at most."
FORMS: list[tuple[str, str, Any, str, str]] = [
    (
        "POST",
        "/campaigns",
        {"message": {"body": " ", "links": {}}},
        "message.body",
        "There is nothing to read in it: write a text.",
    ),
    ("POST", "/campaigns", {"message": {"body": "a", "links": {"Big Offer": "https://a.test"}}}, "message.links.Big Offer", WORD),
    ("POST", "/campaigns", {"triggers": [{"link": "Offer!"}]}, "triggers[0].link", WORD),
    (
        "POST",
        "/campaigns",
        {"message": {"subject": "a\nb", "body": "a"}},
        "message.subject",
        "A subject is one line: leave out the line breaks.",
    ),
    ("POST", "/sequences", {"steps": [{"kind": "end", "key": "The End"}]}, "steps[0].key", WORD),
    (
        "POST",
        "/channels",
        {"name": "my phone", "kind": "simulator", "medium": "sms"},
        "name",
        "Write letters A-Z and a-z, digits and . _ -, beginning with a letter or a digit: 63 at most.",
    ),
    (
        "POST",
        "/shared-links",
        {"slug": "a b c"},
        "slug",
        "Write letters A-Z and a-z, digits, - and _, beginning with a letter or a digit: at least 3, at most 63.",
    ),
    ("GET", "/clicks?country=de", None, "country", "Write the two capital letters of ISO 3166-1, such as DE."),
    ("DELETE", "/api-keys/x", None, "key_id", "This is no id of a key: it has 12 of the characters 0-9 and a-f."),
]


@pytest.mark.parametrize(("method", "path", "body", "field", "sentence"), FORMS)
async def test_a_text_of_another_form_is_told_which_characters_it_may_have(
    api: Caller, method: str, path: str, body: Any, field: str, sentence: str
) -> None:
    answer = await api.request(method, path, **({} if body is None else {"json": body}))
    assert {"field": field, "message": sentence} in answer.json()["errors"]
