"""The page for links that lead nowhere."""

import base64
import hashlib
import re

from api.redirect.answering.answer import page
from api.redirect.answering.page import document


def test_it_loads_nothing_and_its_policy_permits_its_own_style_alone() -> None:
    answer = page(404, "It is not known here.")
    text, headers = answer.body.decode(), dict(answer.headers)
    assert re.findall(r"(?:https?:)?//|<script|<link|<img|@import|url\(", text) == []
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_it_is_made_for_phones_and_for_the_dark() -> None:
    text = document(404, "It is not known here.").decode()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "prefers-color-scheme: dark" in text


def test_it_is_made_once_however_often_it_is_asked_for() -> None:
    assert document(404, "It is not known here.") is document(404, "It is not known here.")


def test_a_sentence_is_text_and_never_markup() -> None:
    assert b"<p>&lt;b&gt;</p>" in document(404, "<b>")
