"""A template gives the same fields whatever is in the message."""

import json
import re
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id
from services.channels.base import Outgoing
from services.channels.http import templates
from services.channels.http.channel import message_fields
from services.channels.http.templates import MOST_CHARACTERS, Use, fill_in, problem_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@pytest.mark.parametrize(
    ("use", "source", "problem"),
    [
        (Use.JSON, '{"text": "{{ message.body }}"}', r"\| json"),
        (Use.JSON, '{"text": "{{ message.body | json }}"}', r"\| json"),
        (Use.JSON, '{"text": {{ message.body }}}', r"\| json"),
        (Use.JSON, '{"text": {{ message.body | json }}', r"\| json"),
        (Use.JSON, '{"text": {{ message.boddy | json }}}', r"message\.boddy.*message\.body"),
        (Use.JSON, '{"text": {{ contact.first_name | json }}}', "no merge field contact.first_name"),
        (Use.JSON, '{"text": {{ token.more | json }}}', "no merge field token.more"),
        (Use.JSON, '{"text": {{ message | json }}}', "no merge field message here"),
        (Use.JSON, '{"text": {{ message.body | jsn }}}', "no filter jsn"),
        (Use.JSON, '{"text": [{% for x in message.body %}{% endfor %}]}', "The tag for"),
        (Use.JSON, "{% liquid\nassign x = 1 %}{}", "The tag liquid"),
        (Use.JSON, "[" + " " * MOST_CHARACTERS + "]", "10,000 characters"),
        (Use.FORM, "text={{ message.body }}", "url_encode"),
        (Use.FORM, "text", "url_encode"),
        (Use.URL, "https://api.example/{{ message.to_address }}", "url_encode"),
        (Use.URL, "https://api.example/?to={{ message.to_address }}", "url_encode"),
        (Use.URL, "https://api.example/?text={{ message.body | url_encode }}", "no merge field message.body"),
        (Use.HEADER, "{{ message.to_address }}", "no merge field message.to_address"),
    ],
)
def test_a_template_that_does_not_fit_every_message_is_refused(use: Use, source: str, problem: str) -> None:
    assert re.search(problem, problem_of(source, use) or "")


@pytest.mark.parametrize(
    ("use", "source"),
    [
        (Use.JSON, '{"text": {{ message.body | json }}, "subject": {{ message.subject | json }}, "token": {{ token | json }}}'),
        (Use.JSON, '{ {% if message.html %}"html": {{ message.html | json }}, {% endif %}"to": {{ message.to_address | json }}}'),
        (Use.JSON, '{"left": {{ message.seconds_left | json }}}'),
        (Use.JSON, '{"to": {{ message.to_address | remove: "+" | json }}}'),
        (Use.FORM, "text={{ message.body | url_encode }}&id={{ message.id }}"),
        (Use.URL, "https://api.example/{{ message.to_address | url_encode }}?id={{ message.id }}"),
        (Use.HEADER, "Bearer {{ token }}"),
    ],
)
def test_a_template_that_fits_every_message_can_be_used(use: Use, source: str) -> None:
    assert problem_of(source, use) is None


@given(TEXTS, TEXTS)
def test_a_text_arrives_as_it_is_in_json_and_in_forms(body: str, subject: str) -> None:
    message = Outgoing(new_id(), new_id(), "+15555550123", subject, body)
    values = {"message": message_fields(message), "channel": {}, "token": ""}
    filled = fill_in('{"text": {{ message.body | json }}, "subject": {{ message.subject | json }}}', values)
    assert json.loads(filled) == {"text": body, "subject": subject}
    form = fill_in("text={{ message.body | url_encode }}&x=1", values)
    assert parse_qs(form, keep_blank_values=True, max_num_fields=2) == {"text": [body], "x": ["1"]}


def test_a_template_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "SECONDS", -1.0)
    assert "takes too long" in (problem_of('{"text": {{ message.body | json }}}', Use.JSON) or "")
