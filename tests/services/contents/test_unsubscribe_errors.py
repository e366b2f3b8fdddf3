"""A marketing e-mail without a way to unsubscribe is refused where its text is fixed."""

from typing import Any

import pytest

from models.database import Database
from models.organizations.organization import Organization
from tests.api.campaign_builders import add_contacts, fields, new_campaign, new_sequence
from tests.builders import Caller

WAY = "{{ unsubscribe_url }}"
MAIL: dict[str, Any] = {"subject": "Hello", "body": f"Hello. {WAY}", "html": f'<p>Hello</p><a href="{WAY}">Unsubscribe</a>'}
AUDIENCE = {"tags": ["all"], "contact_ids": []}


def send(message: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "send", "channel": "simulator-email", "message": message}


@pytest.fixture(autouse=True)
async def people(database: Database, organization: tuple[Organization, str]) -> None:
    await add_contacts(database, organization[0].id, 1, tags=["all"], email="ada@example.com")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"body": "Hello"}, ["body"]),
        ({"html": "<p>Hello</p>"}, ["html"]),
        ({"body": "Hello", "html": None}, ["body"]),
        ({"body": "{{ contact.properties.my_unsubscribe_url }}", "html": "Hello"}, ["body", "html"]),
    ],
)
async def test_each_part_of_a_marketing_mail_offers_a_way_to_unsubscribe(
    api: Caller, change: dict[str, Any], wrong: list[str]
) -> None:
    campaign = await new_campaign(api, channel="simulator-email", message={**MAIL, **change}, audience=AUDIENCE)
    found = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert list(found) == [f"message.{part}" for part in wrong]
    assert all("{{ unsubscribe_url }}" in message for message in found.values())
    assert (await api.get(f"/campaigns/{campaign}")).json()["state"] == "draft"


@pytest.mark.parametrize(
    "message", [MAIL, {**MAIL, "html": None}, {"kind": "transactional", "subject": "Your receipt", "body": "Thank you."}]
)
async def test_a_mail_with_a_way_and_one_that_the_person_expects_are_launched(api: Caller, message: dict[str, Any]) -> None:
    campaign = await new_campaign(api, channel="simulator-email", message=message, audience=AUDIENCE)
    answer = await api.post(f"/campaigns/{campaign}/launch")
    assert answer.status_code == 202, answer.text


async def test_a_sequence_is_refused_when_it_is_published_and_its_triggers_when_they_are_saved(api: Caller) -> None:
    wrong = {"subject": "Hello", "body": "Hello"}
    sequence = await new_sequence(api, publish=False, steps=[{**send(wrong), "key": "hello"}])
    assert list(fields(await api.post(f"/sequences/{sequence}/publish"))) == ["steps[0].message.body"]
    trigger = {"key": "hot", "actions": [send(wrong)]}
    steps = [{**send(MAIL), "key": "hello"}]
    answer = await api.post("/sequences", json={"name": "Wrong", "steps": steps, "triggers": [trigger]})
    assert list(fields(answer)) == ["triggers[0].actions[0].message.body"]


async def test_the_preview_shows_an_address_of_the_length_that_it_will_have(api: Caller) -> None:
    campaign = await new_campaign(api, channel="simulator-email", message={**MAIL, "html": None})
    shown = (await api.post(f"/campaigns/{campaign}/preview", json={})).json()
    assert shown["body"] == "Hello. http://127.0.0.1:8001/unsubscribe/" + "x" * 14


async def test_the_preview_refuses_a_text_that_would_not_show_it_to_this_contact(api: Caller) -> None:
    body = f"Hello{{% if contact.properties.vip %}} {WAY}{{% endif %}}"
    campaign = await new_campaign(api, channel="simulator-email", message={**MAIL, "body": body})
    assert "would not see unsubscribe_url" in fields(await api.post(f"/campaigns/{campaign}/preview", json={}))["message.body"]
