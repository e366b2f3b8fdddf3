"""Texts that were written to hold up the API, or everybody's messages: refused at once, with the field and what to do."""

import time
from typing import Any

import pytest

from api.handling.services import Services
from models.database import Database
from models.organizations.organization import Organization
from tests.api.campaign_builders import add_contacts, draft, fields, new_campaign
from tests.builders import Caller

LOOP = "{% for a in (1..1000) %}{% assign b = a | plus: 1 %}{% endfor %}"
LINK = '<a href="https://a.b/">x</a>'


def mail(html: str) -> dict[str, Any]:
    return draft(channel="simulator-email", message={"kind": "transactional", "subject": "Hello", "body": "Hello", "html": html})


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        ({"body": "{{" * 5_000}, "message.body", "expected '}}'"),
        ({"body": "{{-" + " " * 8_000 + "-}}"}, "message.body", "expected a primitive expression"),
        ({"body": "{% raw %}" + "a" * 19_000}, "message.body", "raw"),
        ({"body": LOOP * 200}, "message.body", "loop iteration limit"),
        ({"body": "Hello", "links": {"offer": "https://a.b/" + "a" * 300_000}}, "message.links.offer", "300,012 characters"),
    ],
)
async def test_a_hostile_text_message_is_refused_at_save(api: Caller, message: dict[str, Any], field: str, reason: str) -> None:
    found = fields(await api.post("/campaigns", json=draft(message=message)))
    assert list(found) == [field]
    assert reason in found[field]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("{% raw %}" + "a" * 90_000, "raw"),
        (LOOP * 600, "all loops together have more than 1,000 rounds"),
        ("{{ 1 }}" * 2_001, "more than 2,000 outputs and tags"),
        ("{% for a in (1..1000) %}" + "{% if 1 %}{% endif %}" * 900 + "{% endfor %}", "more than 50,000 steps"),
        ("中" * 180_000, "more than 500,000 bytes. As written, it has 540,000 bytes."),
        ('<a href="https://shop.test/&#' + "9" * 4_301 + ';">', "Line 1, column 28: This number stands for no character"),
        ("<a href='" + "&#" * 90_000, ""),
        ("<" * 200_000, ""),
        ("<svg>" * 40_000, ""),
    ],
)
async def test_hostile_html_is_judged_away_from_the_event_loop(api: Caller, html: str, reason: str) -> None:
    started = time.thread_time()
    await api.post("/campaigns", json=mail("a" * 200_000))
    usual = time.thread_time() - started
    started = time.thread_time()
    answer = await api.post("/campaigns", json=mail(html))
    assert time.thread_time() - started < 5 * usual + 0.05
    if reason:
        assert reason.lower() in fields(answer)["message.html"].lower()
    else:
        assert answer.status_code == 201


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (LINK * 60 + "a" * (199_990 - 60 * len(LINK)), "the text has 200,590 characters; at most 200,000"),
        ("<a href='https://a.b/'>" * 60 + "中" * 166_000, "more than 500,000 bytes"),
        ("{{ contact.id }}" * 1_950 + LINK * 60, "more than 2,000 outputs and tags"),
    ],
)
async def test_what_grows_beyond_a_limit_once_its_links_are_rewritten_is_refused_at_launch(
    api: Caller, database: Database, organization: tuple[Organization, str], html: str, reason: str
) -> None:
    await add_contacts(database, organization[0].id, 1, email="ada@example.com", tags=["all"])
    created = await api.post("/campaigns", json={**mail(html), "audience": {"tags": ["all"], "contact_ids": []}})
    assert created.status_code == 201, created.text
    for what in ("preview", "launch"):
        found = fields(await api.post(f"/campaigns/{created.json()['id']}/{what}"))
        assert list(found) == ["message.html"]
        assert reason in found["message.html"]


async def test_more_text_than_a_sequence_may_have_is_refused_before_any_of_it_is_read(api: Caller) -> None:
    message = {"subject": "Hello", "body": "Hello", "html": "a" * 180_000}
    steps = [{"kind": "send", "key": f"s{number}", "channel": "simulator-email", "message": message} for number in range(5)]
    found = fields(await api.post("/sequences", json={"name": "Long", "steps": steps}))
    assert found == {"steps": "All texts together have 900,050 characters; at most 800,000 are possible."}


async def test_a_draft_that_is_judged_again_and_again_is_read_once(api: Caller, services: Services) -> None:
    steps = [{"kind": "send", "key": "a", "channel": "simulator-sms", "message": {"body": "https:// now"}}]
    sequence = (await api.post("/sequences", json={"name": "Wrong", "steps": steps})).json()["id"]
    first = fields(await api.post(f"/sequences/{sequence}/publish"))
    places = services.judge._places
    services.judge._places = None  # type: ignore[assignment]  # nobody can be asked any more
    try:
        assert fields(await api.post(f"/sequences/{sequence}/publish")) == first
    finally:
        services.judge._places = places


async def test_what_a_preview_cannot_write_is_said_for_the_part_it_is_in(api: Caller) -> None:
    html = "{{ 1 | divided_by: contact.properties.none }}"
    campaign = await new_campaign(api, **{key: value for key, value in mail(html).items() if key != "name"})
    found = fields(await api.post(f"/campaigns/{campaign}/preview"))
    assert list(found) == ["message.html"]
    assert "divide by 0" in found["message.html"]
