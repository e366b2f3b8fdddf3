"""Who gets marketing is what the organization has set, not what is usual."""

import pytest

from console.words.consent import who_gets_marketing


@pytest.mark.parametrize(
    ("required", "medium", "words"),
    [
        ([], "sms", "to everybody who has not opted out"),
        (["sms"], "sms", "only to people who have opted in"),
        (["sms"], "email", "to everybody who has not opted out"),
        (["sms", "email"], None, "only to people who have opted in"),
        ([], None, "to everybody who has not opted out"),
        (["email"], None, "by SMS to everybody who has not opted out, by e-mail only to people who have opted in"),
    ],
)
def test_it_says_for_each_medium_who_gets_it(required: list[str], medium: str | None, words: str) -> None:
    assert who_gets_marketing(required, medium) == words
