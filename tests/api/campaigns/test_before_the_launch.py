"""What a draft shows before it is launched: its message, what is wrong, and who would get it."""

from uuid import uuid4

import pytest

from models.consent.suppression import SuppressionReason, add_suppression
from models.database import Database
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from services import audience_preview
from settings import Settings
from tests.api.campaign_builders import OFFER, add_contacts, draft, fields, new_campaign
from tests.builders import Caller, is_problem

Org = tuple[Organization, str]


async def test_a_message_that_is_not_saved_is_previewed(api: Caller) -> None:
    contact = (await api.post("/contacts", json={"first_name": "Grace", "phone": "+15555550199"})).json()["id"]
    body = {"channel": "simulator-sms", "message": OFFER}
    shown = (await api.post("/campaigns/preview", json=body)).json()
    assert shown["body"].startswith("Hello Ada: http")
    assert (shown["tracked"], shown["sms"]["segments"]) == (True, 1)
    shown = (await api.post("/campaigns/preview", json={**body, "contact_id": contact, "link_tracking": False})).json()
    assert shown["body"] == "Hello Grace: https://www.example.com/offer"
    assert (await api.get("/campaigns")).json()["items"] == []


async def test_what_cannot_be_previewed_names_its_fields(api: Caller) -> None:
    wrong = {"channel": "simulator-sms", "message": {"body": "Hello {{ contact.frist_name }}"}}
    assert list(fields(await api.post("/campaigns/preview", json=wrong))) == ["message.body"]
    wrong = {"channel": "nobody", "message": OFFER}
    assert list(fields(await api.post("/campaigns/preview", json=wrong))) == ["channel"]
    wrong = {"channel": "simulator-sms", "message": {**OFFER, "subject": "x"}}
    assert list(fields(await api.post("/campaigns/preview", json=wrong))) == ["message.subject"]
    assert list(fields(await api.post("/campaigns/preview", json={**wrong, "message": OFFER, "contact_id": str(uuid4())}))) == [
        "contact_id"
    ]


async def test_the_check_names_what_the_launch_would_refuse(api: Caller) -> None:
    unpublished = (await api.post("/sequences", json={"name": "x", "steps": [{"kind": "end", "key": "over"}]})).json()["id"]
    enroll = {"key": "hot", "link": "nowhere", "actions": [{"kind": "enroll", "sequence_id": unpublished}]}
    campaign = await new_campaign(api, triggers=[enroll], audience={"tags": ["nobody"]})
    checked = (await api.post(f"/campaigns/{campaign}/check")).json()
    refused = fields(await api.post(f"/campaigns/{campaign}/launch"))
    assert {each["field"]: each["message"] for each in checked["faults"]} == {
        name: message for name, message in refused.items() if name != "audience"
    }
    assert len(checked["faults"]) == 2


async def test_the_check_warns_of_what_is_worth_knowing(api: Caller) -> None:
    assert (await api.post(f"/campaigns/{await new_campaign(api)}/check")).json() == {"faults": [], "warnings": []}
    for changes, warned in (
        ({"link_tracking": False}, ["link_tracking"]),
        ({"message": {"body": "Hello"}}, ["message.links"]),
    ):
        checked = (await api.post(f"/campaigns/{await new_campaign(api, **changes)}/check")).json()
        assert [each["field"] for each in checked["warnings"]] == warned
    (channel,) = [each for each in (await api.get("/channels")).json()["items"] if each["name"] == "simulator-sms"]
    await api.post(f"/channels/{channel['id']}/pause")
    checked = (await api.post(f"/campaigns/{await new_campaign(api)}/check")).json()
    assert [each["field"] for each in checked["warnings"]] == ["channel"]


async def make_audience(api: Caller, database: Database, organization: Organization) -> str:
    """Ten people with the tag, of whom five get it."""
    people = await add_contacts(database, organization.id, 8, tags=["news"])
    await api.post("/contacts", json={"email": "a@example.com", "tags": ["news"]})
    await api.post("/contacts", json={"email": "b@example.com", "tags": ["news"]})
    await api.post(f"/contacts/{people[0]}/consent", json={"state": "opted_out", "reason": "Said so by phone."})
    async with database.transaction() as session:
        for number in (1, 2):
            await add_suppression(session, organization.id, "sms", f"+1555555{number:04}", SuppressionReason.BOUNCE)
    return await new_campaign(api, audience={"tags": ["news"]})


async def test_the_audience_adds_up_by_the_first_reason_that_holds(api: Caller, database: Database, organization: Org) -> None:
    campaign = await make_audience(api, database, organization[0])
    found = (await api.post(f"/campaigns/{campaign}/audience-preview")).json()
    assert {name: found[name] for name in ("found", "looked_at", "complete", "gets")} == {
        "found": 10,
        "looked_at": 10,
        "complete": True,
        "gets": 5,
    }
    assert found["gets"] + sum(each["people"] for each in found["left_out"]) == found["found"]
    assert {each["reason"]: each["people"] for each in found["left_out"]} == {
        "no_phone": 2,
        "suppressed: bounce": 2,
        "opted_out": 1,
    }
    assert len(found["first"]) == 5


async def test_where_consent_is_needed_silence_leaves_people_out(api: Caller, database: Database, organization: Org) -> None:
    campaign = await make_audience(api, database, organization[0])
    await api.patch("/organization", json={"consent_required": ["sms"]})
    found = (await api.post(f"/campaigns/{campaign}/audience-preview")).json()
    assert {each["reason"]: each["people"] for each in found["left_out"]}["no_consent"] == 5
    assert (found["gets"], found["first"]) == (0, [])


async def test_of_a_large_audience_only_a_part_is_looked_at_and_all_are_counted(
    api: Caller, database: Database, organization: Org, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await make_audience(api, database, organization[0])
    monkeypatch.setattr(audience_preview, "PAGE", 3)
    monkeypatch.setattr(audience_preview, "SECONDS", 0.0)
    found = (await api.post(f"/campaigns/{campaign}/audience-preview")).json()
    assert (found["found"], found["looked_at"], found["complete"]) == (10, 3, False)
    assert found["gets"] + sum(each["people"] for each in found["left_out"]) == 3
    assert Limits.of(settings, {}).messages_per_contact_and_day > 0


async def test_a_draft_is_read_without_finding_its_people(api: Caller, database: Database, organization: Org) -> None:
    campaign = await make_audience(api, database, organization[0])
    assert (await api.get(f"/campaigns/{campaign}")).json()["recipients"] == 10
    assert (await api.get(f"/campaigns/{campaign}?recipients=false")).json()["recipients"] is None
    assert (await api.patch(f"/campaigns/{campaign}?recipients=false", json={"name": "x"})).json()["recipients"] is None
    assert (await api.post("/campaigns?recipients=false", json=draft())).json()["recipients"] is None


async def test_what_was_launched_has_nothing_before_its_launch(api: Caller, database: Database, organization: Org) -> None:
    campaign = await make_audience(api, database, organization[0])
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    for what in ("check", "audience-preview"):
        assert is_problem(await api.post(f"/campaigns/{campaign}/{what}"), 409, "campaign_already_launched")
        assert (await api.post(f"/campaigns/{uuid4()}/{what}")).status_code == 404
