"""Triggers of campaigns over HTTP: what is refused at save and at launch, with the path of each field, and what is stored."""

from json import dumps
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from sqlmodel import col

from models.database import Database
from models.messages.content import Content
from models.organizations.organization import Organization
from models.triggers.trigger import Trigger
from tests.api.campaign_builders import add_contacts, draft, enrolls, fields, new_campaign, new_sequence
from tests.builders import Caller

TAG = {"kind": "tag", "tags": ["hot"]}
THANKS = {
    "kind": "send",
    "channel": "simulator-sms",
    "message": {"body": "Thank you! {{ links.more }}", "links": {"more": "https://x.test"}},
}
MESSAGE = {"body": "{{ links.offer }} or https://example.com/b", "links": {"offer": "https://example.com/a"}}
LINKS = "SELECT trigger_id, content_id, position FROM trigger_link"


def trigger(key: str = "hot", *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": key, "actions": actions or [TAG], **more}


@pytest.fixture
async def audience(database: Database, organization: tuple[Organization, str]) -> dict[str, Any]:
    return {"contact_ids": await add_contacts(database, organization[0].id, 1)}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"key": "Hot", "actions": [TAG]}, "triggers[0].key"),
        (trigger("hot", TAG, {"kind": "enroll", "sequence_id": str(uuid4())}), "triggers[0].actions[1].sequence_id"),
        (trigger(segment_id=str(uuid4())), "triggers[0].segment_id"),
        (trigger("hot", {"kind": "leave"}), "triggers[0].actions[0].kind"),
        (trigger("hot", {"kind": "go_to", "step": "hello"}), "triggers[0].actions[0].kind"),
        (trigger("hot", {**THANKS, "channel": "pigeon"}), "triggers[0].actions[0].channel"),
        (trigger("hot", {**THANKS, "message": {"body": "{{ oh"}}), "triggers[0].actions[0].message.body"),
        (
            trigger("hot", {**THANKS, "channel": "simulator-email", "message": {"body": "Hi", "kind": "transactional"}}),
            "triggers[0].actions[0].message.subject",
        ),
    ],
)
async def test_a_wrong_trigger_is_refused_at_save_with_its_path(api: Caller, wrong: dict[str, Any], field: str) -> None:
    assert list(fields(await api.post("/campaigns", json=draft(triggers=[wrong])))) == [field]
    campaign = await new_campaign(api)
    assert list(fields(await api.patch(f"/campaigns/{campaign}", json={"triggers": [wrong]}))) == [field]
    assert (await api.get(f"/campaigns/{campaign}")).json()["triggers"] == []


async def test_a_notification_needs_a_target_and_a_text_that_can_be_read(api: Caller, database: Database) -> None:
    notify = {"kind": "notify", "target": "Sales", "text": "{{ oh"}
    found = fields(await api.post("/campaigns", json=draft(triggers=[trigger("hot", TAG, notify)])))
    assert set(found) == {"triggers[0].actions[1].target", "triggers[0].actions[1].text"}
    campaign = await new_campaign(api)
    async with database.transaction() as session:  # a target that has gone since it was saved
        triggers = dumps([trigger("hot", {"kind": "notify", "target": "Sales"})])
        await session.execute(text("UPDATE campaign SET triggers = :triggers"), {"triggers": triggers})
    assert (await api.patch(f"/campaigns/{campaign}", json={"name": "Better"})).status_code == 200
    assert "triggers[0].actions[0].target" in fields(await api.post(f"/campaigns/{campaign}/launch"))


async def test_another_organizations_sequence_is_unknown(api: Caller, stranger: Caller) -> None:
    theirs = await new_sequence(stranger)
    found = fields(await api.post("/campaigns", json=draft(triggers=[enrolls(theirs)])))
    assert found == {"triggers[0].actions[0].sequence_id": f"There is no sequence {theirs}."}


async def test_all_faults_are_reported_at_once_with_those_of_the_message(api: Caller) -> None:
    wrong = draft(message={"body": "{{ oh"}, triggers=[trigger("x"), trigger("x", {"kind": "leave"}), enrolls(uuid4())])
    assert list(fields(await api.post("/campaigns", json=wrong))) == [
        "message.body",
        "triggers[1].key",
        "triggers[1].actions[0].kind",
        "triggers[2].actions[0].sequence_id",
    ]


async def test_the_texts_of_all_triggers_together_are_limited(api: Caller) -> None:
    mail = {"kind": "send", "channel": "simulator-email", "message": {"subject": "Hi", "body": "Hi", "html": "x" * 190_000}}
    assert list(fields(await api.post("/campaigns", json=draft(triggers=[trigger("hot", *[mail] * 5)])))) == ["triggers"]


async def test_a_change_keeps_the_triggers_and_is_not_held_up_by_them(api: Caller, database: Database) -> None:
    campaign = await new_campaign(api, triggers=[trigger("late", when="not_clicked", within="P3D")])
    lost = enrolls(uuid4())
    async with database.transaction() as session:  # a sequence cannot be deleted yet
        await session.execute(text("UPDATE campaign SET triggers = triggers || :lost"), {"lost": dumps([lost])})
    changed = (await api.patch(f"/campaigns/{campaign}", json={"name": "Better"})).json()
    assert [each["key"] for each in changed["triggers"]] == ["late", "hot"]
    assert changed["triggers"][0]["within"] == "P3D"
    found = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert "triggers[1].actions[0].sequence_id" in found
    cleared = await api.patch(f"/campaigns/{campaign}", json={"triggers": []})
    assert cleared.json()["triggers"] == []
    assert list(fields(await api.patch(f"/campaigns/{campaign}", json={"triggers": None}))) == ["triggers"]


async def test_what_keeps_triggers_from_working_is_refused_at_launch(api: Caller, audience: dict[str, Any]) -> None:
    unlinked = {**THANKS, "message": {"body": "{{ links.none }}"}}
    never = await new_sequence(api, publish=False)
    triggers = [trigger("a", unlinked, link="ofer"), {**enrolls(never), "key": "b"}]
    campaign = await new_campaign(api, message=MESSAGE, audience=audience, triggers=triggers, link_tracking=False)
    assert fields(await api.post(f"/campaigns/{campaign}/launch")) == {
        "triggers[0].actions[0].message.body": "Line 1, column 1: there is no link named none; known names: none.",
        "triggers[0].link": "No message that it listens to contains a link named 'ofer'; the named links: offer.",
        "link_tracking": "Triggers need tracked links: switch link tracking on, or remove the triggers.",
        "triggers[1].actions[0].sequence_id": "The sequence is a draft: publish it first.",
    }
    assert (await api.get(f"/campaigns/{campaign}")).json()["state"] == "draft"


async def test_a_click_cannot_fire_for_those_who_have_not_clicked(api: Caller, audience: dict[str, Any]) -> None:
    campaign = await new_campaign(api, message=MESSAGE, audience=audience)
    made = [(await api.post(f"/campaigns/{campaign}/segments", json={"kind": each})).json() for each in ("engaged", "unengaged")]
    engaged, unengaged = (each["id"] for each in made)
    late = trigger("late", when="not_clicked", within="P1D", segment_id=unengaged)
    triggers = [trigger("a", segment_id=engaged), late, trigger("b", segment_id=unengaged)]
    assert (await api.patch(f"/campaigns/{campaign}", json={"triggers": triggers})).status_code == 200
    refused = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert list(refused) == ["triggers[2].segment_id"]
    assert "already counts" in refused["triggers[2].segment_id"]
    await api.patch(f"/campaigns/{campaign}", json={"triggers": triggers[:2]})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202


async def test_a_message_without_links_fires_nothing(api: Caller, audience: dict[str, Any]) -> None:
    campaign = await new_campaign(api, message={"body": "No link"}, audience=audience, triggers=[trigger()])
    assert list(fields(await api.post(f"/campaigns/{campaign}/launch"))) == ["triggers[0].link"]


async def test_tracking_that_is_off_for_the_organization_is_named(
    api: Caller, database: Database, audience: dict[str, Any]
) -> None:
    campaign = await new_campaign(api, audience=audience, triggers=[trigger()])
    async with database.transaction() as session:
        await session.execute(update(Organization).values(link_tracking=False))
    found = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert list(found) == ["triggers"]
    assert "off for the whole organization" in found["triggers"]


async def test_the_messages_of_triggers_count_as_texts_that_are_made(
    api: Caller, database: Database, audience: dict[str, Any]
) -> None:
    campaign = await new_campaign(api, audience=audience, triggers=[trigger("hot", THANKS)])
    async with database.transaction() as session:
        await session.execute(update(Organization).values(limits={"contents": 1}))
    assert (await api.post(f"/campaigns/{campaign}/launch")).json()["code"] == "quota_reached"
    async with database.transaction() as session:
        assert (await session.scalars(select(Trigger))).all() == []


async def test_a_launch_writes_the_triggers_their_links_and_their_texts(
    api: Caller, database: Database, audience: dict[str, Any]
) -> None:
    triggers = [trigger("hot", TAG, THANKS, link="offer"), trigger("any", times=5)]
    campaign = await new_campaign(api, message=MESSAGE, audience=audience, triggers=triggers, utm={"source": "spring"})
    launched = (await api.post(f"/campaigns/{campaign}/launch")).json()
    assert [each["name"] for each in launched["links"]] == ["offer", None]
    async with database.transaction() as session:
        rows = {row.key: row for row in await session.scalars(select(Trigger))}
        own = (await session.scalars(select(Content).where(col(Content.campaign_id).is_not(None)))).one()
        thanks = (await session.scalars(select(Content).where(col(Content.trigger_id).is_not(None)))).one()
        links = {tuple(row) for row in await session.execute(text(LINKS))}
    assert {str(row.campaign_id) for row in rows.values()} == {campaign}
    assert (rows["any"].times, rows["any"].link, rows["any"].step_key, rows["any"].sequence_id) == (5, None, None, None)
    assert rows["hot"].definition == launched["triggers"][0]
    assert links == {(rows["hot"].id, own.id, 0), (rows["any"].id, own.id, 0), (rows["any"].id, own.id, 1)}
    assert (thanks.trigger_id, thanks.action_position, thanks.campaign_id) == (rows["hot"].id, 1, None)
    assert (own.wakes, thanks.wakes) == ([], [])
