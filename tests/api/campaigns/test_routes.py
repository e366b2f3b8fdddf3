"""Campaigns over HTTP: what is refused at save and at launch, then the way from draft to messages."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.handling.services import Services
from models.campaigns.campaign import Campaign
from models.database import Database
from models.messages.content import Content
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization, create_organization
from models.wire.names import campaign_workflow_id
from tests.api.campaign_builders import OFFER, add_contacts, draft, fields, new_campaign
from tests.builders import Caller

Org = tuple[Organization, str]


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [("Hello {{ contact.first_name", 1, 7), ("One\ntwo {{ contact.nickname }}", 2, 8), ("{% if contact.email %}", 1, 1)],
)
async def test_a_wrong_template_is_refused_at_save_with_line_and_column(api: Caller, body: str, line: int, column: int) -> None:
    answer = await api.post("/campaigns", json=draft(message={"body": body}))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["line"], error["column"]) == (422, "message.body", line, column)
    assert error["message"].startswith(f"Line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "simulator-email"}, "message.subject"),
        ({"message": {"body": "Hi", "subject": "Not in a text message"}}, "message.subject"),
        ({"message": {"body": "Hi", "links": {"Not a name": "https://example.com"}}}, "message.links.Not a name"),
        ({"message": {"body": "Hi", "links": {"offer": "https://example.com/{{ oops"}}}, "message.links.offer"),
        ({"message": {"body": ""}}, "message.body"),
        ({"message": {"body": "\x00"}}, "message.body"),
        ({"name": ""}, "name"),
        ({"audience": {"contact_ids": [str(uuid4())]}}, "audience.contact_ids[0]"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_campaign_that_cannot_be_saved_is_refused_with_its_field(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    assert list(fields(await api.post("/campaigns", json=draft(**changes)))) == [field]


async def test_a_subject_cannot_contain_a_link(api: Caller) -> None:
    message = {**OFFER, "subject": "Look: {{ links.offer }}"}
    found = fields(await api.post("/campaigns", json=draft(channel="simulator-email", message=message)))
    assert found == {"message.subject": "Line 1, column 10: a subject cannot contain a link."}


async def test_all_errors_are_reported_at_once(api: Caller) -> None:
    found = fields(
        await api.post(
            "/campaigns", json=draft(channel="pigeon", message={"body": "{{"}, audience={"contact_ids": [str(uuid4())]})
        )
    )
    assert set(found) == {"channel", "message.body", "audience.contact_ids[0]"}


async def test_a_contact_of_another_organization_is_no_audience(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    (stranger,) = await add_contacts(database, other.id, 1)
    assert list(fields(await api.post("/campaigns", json=draft(audience={"contact_ids": [stranger]})))) == [
        "audience.contact_ids[0]"
    ]


async def test_another_organizations_campaign_does_not_exist(api: Caller, database: Database) -> None:
    campaign = await new_campaign(api)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    stranger = api.with_key(key)
    answers = [
        await stranger.get(f"/campaigns/{campaign}"),
        await stranger.patch(f"/campaigns/{campaign}", json={"name": "Mine"}),
        await stranger.delete(f"/campaigns/{campaign}"),
        await stranger.post(f"/campaigns/{campaign}/launch"),
        await stranger.post(f"/campaigns/{campaign}/preview", json={}),
        await stranger.get(f"/campaigns/{campaign}/messages"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert (await stranger.get("/campaigns")).json()["items"] == []
    assert (await api.with_key("lw_wrong").get("/campaigns")).status_code == 401


async def test_a_launch_without_recipients_is_refused(api: Caller) -> None:
    campaign = await new_campaign(api, audience={"tags": ["nobody"]})
    found = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert list(found) == ["audience"]
    assert found["audience"].startswith("Nobody would get the message")
    assert (await api.get(f"/campaigns/{campaign}")).json()["state"] == "draft"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http:///path", "https://user:secret@example.com", "https://exa mple.com"]
)
async def test_a_launch_with_an_invalid_address_is_refused(api: Caller, database: Database, organization: Org, url: str) -> None:
    contacts = await add_contacts(database, organization[0].id, 1)
    message = {"body": "{{ links.offer }}", "links": {"offer": url}}
    campaign = await new_campaign(api, message=message, audience={"contact_ids": contacts})
    assert list(fields(await api.post(f"/campaigns/{campaign}/launch"))) == ["message.links.offer"]


async def test_an_invalid_address_in_the_text_is_refused_with_its_place(
    api: Caller, database: Database, organization: Org
) -> None:
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, message={"body": "Go:\n  https://a..b/"}, audience={"contact_ids": contacts})
    answer = await api.post(f"/campaigns/{campaign}/launch")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["line"], error["column"]) == ("message.body", 2, 3)


async def test_a_launched_campaign_cannot_be_launched_changed_or_deleted(
    api: Caller, database: Database, organization: Org
) -> None:
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, audience={"contact_ids": contacts})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    again = await api.post(f"/campaigns/{campaign}/launch")
    assert (again.status_code, again.json()["code"]) == (409, "campaign_already_launched")
    assert again.json()["detail"] == "The campaign was launched already: it is sending."
    assert (await api.patch(f"/campaigns/{campaign}", json={"name": "Late"})).status_code == 409
    assert (await api.delete(f"/campaigns/{campaign}")).status_code == 409


@pytest.mark.parametrize(
    "change", [{"name": None}, {"message": None}, {"message": {"body": "{{"}}, {"channel": "simulator-email"}]
)
async def test_a_change_that_cannot_be_saved_changes_nothing(api: Caller, change: dict[str, Any]) -> None:
    campaign = await new_campaign(api)
    before = (await api.get(f"/campaigns/{campaign}")).json()
    fields(await api.patch(f"/campaigns/{campaign}", json=change))
    assert (await api.get(f"/campaigns/{campaign}")).json() == before


async def test_a_subject_has_no_unsubscribe_address(api: Caller) -> None:
    message = {"subject": "Unsubscribe: {{ unsubscribe_url }}", "body": "Hello"}
    answer = await api.post("/campaigns", json=draft(channel="simulator-email", message=message))
    assert "a subject cannot contain a link" in fields(answer)["message.subject"]


async def test_a_preview_for_an_unknown_contact_is_refused(api: Caller) -> None:
    campaign = await new_campaign(api)
    answer = await api.post(f"/campaigns/{campaign}/preview", json={"contact_id": str(uuid4())})
    assert list(fields(answer)) == ["contact_id"]


async def test_a_preview_of_a_text_that_could_not_be_sent_says_why(api: Caller) -> None:
    campaign = await new_campaign(api, message={"body": "{{ contact.properties.note }}"})
    answer = await api.post(f"/campaigns/{campaign}/preview", json={})
    assert fields(answer) == {"message.body": "the text is empty for this contact"}


@pytest.mark.parametrize("part", ["subject", "body", "html"])
async def test_a_preview_names_the_part_that_cannot_be_filled_in(
    api: Caller, database: Database, organization: Org, part: str
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1, properties={"note": "%00"})
    message = {"subject": "Hello", "body": "Hello", "html": "<p>Hello</p>", part: "{{ contact.properties.note | url_decode }}"}
    campaign = await new_campaign(api, channel="simulator-email", message=message)
    answer = await api.post(f"/campaigns/{campaign}/preview", json={"contact_id": contact})
    assert list(fields(answer)) == [f"message.{part}"]


async def test_a_preview_refuses_the_addresses_that_a_launch_refuses(api: Caller) -> None:
    campaign = await new_campaign(api, message={"body": "Look: http://127.0.0.1:8001/x"})
    found = fields(await api.post(f"/campaigns/{campaign}/preview", json={}))
    assert found["message.body"].startswith("This address is on a link domain of this server")


async def test_a_preview_shows_the_text_with_links_that_lead_nowhere(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1, first_name="Zoë")
    campaign = await new_campaign(api)
    shown = (await api.post(f"/campaigns/{campaign}/preview", json={"contact_id": contact})).json()
    assert shown["body"] == "Hello Zoë: http://127.0.0.1:8001/xxxxxxxxxxxxxx"
    assert (shown["tracked"], shown["characters"], shown["subject"]) == (True, len(shown["body"]), None)
    assert (shown["contact"]["id"], shown["contact"]["first_name"]) == (contact, "Zoë")
    await api.patch(f"/campaigns/{campaign}", json={"link_tracking": False})
    shown = (await api.post(f"/campaigns/{campaign}/preview", json={})).json()
    assert (shown["body"], shown["tracked"]) == ("Hello Ada: https://www.example.com/offer", False)
    assert (shown["contact"]["id"], shown["contact"]["last_name"]) == (None, "Lovelace")


async def test_a_draft_can_be_changed_listed_and_deleted(api: Caller) -> None:
    campaign = await new_campaign(api, link_tracking=False, audience={"tags": ["a"]})
    changed = await api.patch(f"/campaigns/{campaign}", json={"link_tracking": None})
    assert changed.status_code == 200
    after = changed.json()
    assert after["link_tracking"] is None
    assert {name: value for name, value in after["audience"].items() if value} == {"tags": ["a"]}
    assert [item["id"] for item in (await api.get("/campaigns", params={"state": "draft"})).json()["items"]] == [campaign]
    assert (await api.delete(f"/campaigns/{campaign}")).status_code == 204
    assert (await api.get(f"/campaigns/{campaign}")).status_code == 404


async def test_a_launch_fixes_the_text_and_starts_the_workflow(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(database, org_id, 2, tags=["spring"])
    message = {"body": "{{ links.offer }} or https://example.com/b", "links": OFFER["links"]}
    audience = {"tags": ["spring"], "contact_ids": contacts[:1]}
    campaign = await new_campaign(api, message=message, audience=audience)
    launched = (await api.post(f"/campaigns/{campaign}/launch", headers={"Idempotency-Key": "once"})).json()
    assert (launched["state"], launched["recipients"], launched["messages"]) == ("sending", 2, {})
    assert [(link["name"], link["url"], link["position"]) for link in launched["links"]] == [
        ("offer", "https://www.example.com/offer", 0),
        (None, "https://example.com/b", 1),
    ]
    again = await api.post(f"/campaigns/{campaign}/launch", headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (202, launched, "true")
    async with database.session() as session:
        content = await session.scalar(select(Content).where(col(Content.step_key).is_(None)))
        row = await session.get_one(Campaign, launched["id"])
    assert content is not None
    assert (content.body, content.wakes) == ("{{ tracked_links[0] }} or {{ tracked_links[1] }}", [])
    assert row.content_id == content.id
    assert row.workflow_started_at is not None
    workflow = services.temporal.get_workflow_handle(campaign_workflow_id(row.id))
    assert (await workflow.describe()).workflow_type == "CampaignLaunch"


async def test_the_number_of_recipients_is_that_of_the_launch(api: Caller, database: Database, organization: Org) -> None:
    first, second = await add_contacts(database, organization[0].id, 2, tags=["spring"])
    campaign = await new_campaign(api, audience={"tags": ["spring"]})
    await api.post(f"/campaigns/{campaign}/launch")
    for contact in (first, second):
        assert (await api.patch(f"/contacts/{contact}", json={"tags": []})).status_code == 200
    assert (await api.get(f"/campaigns/{campaign}")).json()["recipients"] == 2


async def test_contacts_that_were_left_out_are_listed_with_the_reason(api: Caller, database: Database, organization: Org) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(database, org_id, 2)
    campaign = await new_campaign(api, audience={"contact_ids": contacts})
    await api.post(f"/campaigns/{campaign}/launch")
    async with database.transaction() as session:
        row = await session.get_one(Campaign, campaign)
        shared: dict[str, Any] = {
            "org_id": org_id,
            "channel_id": row.channel_id,
            "content_id": row.content_id,
            "campaign_id": row.id,
        }
        session.add(Message(**shared, contact_id=UUID(contacts[0]), recipient_number=0, state=MessageState.ACCEPTED))
        session.add(
            Message(**shared, contact_id=UUID(contacts[1]), recipient_number=1, state=MessageState.SKIPPED, reason="no_phone")
        )
    left_out = (await api.get(f"/campaigns/{campaign}/messages", params={"state": "skipped", "reason": "no_phone"})).json()[
        "items"
    ]
    assert [(each["contact_id"], each["reason"]) for each in left_out] == [(contacts[1], "no_phone")]
    assert (await api.get(f"/campaigns/{campaign}")).json()["messages"] == {"accepted": 1, "skipped": 1}
    assert (await api.get(f"/campaigns/{campaign}/messages", params={"reason": "other"})).json()["items"] == []


async def test_a_preview_needs_no_body(api: Caller) -> None:
    answer = await api.post("/campaigns/0198c0de-0000-7000-8000-000000000001/preview")
    assert answer.status_code == 404  # not 422: the body may be left out


async def test_a_message_of_blanks_is_refused(api: Caller) -> None:
    answer = await api.post("/campaigns", json={"name": "Blank", "channel": "simulator-sms", "message": {"body": "  \n "}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "message.body"
