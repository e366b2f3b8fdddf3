"""Whatever changes the rows, streams are told of it, with what a page needs and nothing of people."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from models.sequences.progress import close_enrollment
from tests.api.events.streams import Opened
from tests.builders import Caller
from tests.rows import PHONE, Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def change(database: Database, statement: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), values)


async def told(opened: Opened, count: int) -> list[tuple[str, str]]:
    return [(event.name, event.data["state"]) for event in await opened.some(count)]


async def test_a_click_is_told_with_its_link_its_place_and_its_device(
    api: Caller, api_app: FastAPI, organization: tuple[Organization, str], rows: Rows
) -> None:
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    async with Opened(api_app, organization[1], kind="click", campaign_id=campaign.id) as opened:
        await opened.ready()
        await rows.click(message, metadata=PHONE)
        event = await opened.next()
    assert event is not None
    assert (event.name, event.data["state"], event.data["contact_id"]) == ("click", "human", str(message.contact_id))
    about = event.data["about"]
    named = {name: about[name] for name in ("message_id", "link_name", "country", "city", "device_type")}
    assert named == {
        "message_id": str(message.id),
        "link_name": "offer",
        "country": "DE",
        "city": "Berlin",
        "device_type": "phone",
    }
    assert about.keys().isdisjoint({"ip", "user_agent"})


async def test_a_corrected_click_is_told_with_its_new_verdict_and_one_that_had_it_already_is_not(
    api: Caller, api_app: FastAPI, organization: tuple[Organization, str], rows: Rows
) -> None:
    campaign = await rows.campaign()
    click_id = await rows.click(await rows.message(campaign.content_id, await rows.contact()))
    async with Opened(api_app, organization[1], kind="click", campaign_id=campaign.id) as opened:
        await opened.ready()
        for verdict in ("human", "bot", "bot", "suspect"):
            body = {"verdict": verdict, "note": "Ada said so."}
            assert (await api.post(f"/clicks/{click_id}/verdict", json=body)).status_code == 200
        first, second = await opened.some(2)
        assert [event.data["state"] for event in (first, second)] == ["bot", "suspect"]
        assert (first.data["id"], first.data["about"]["reason"]) == (str(click_id), "corrected")
        assert b"Ada" not in opened.body
        assert opened.waiting() == 0


async def test_messages_reports_enrollments_and_campaigns_are_told_when_they_change(
    api: Caller, api_app: FastAPI, organization: tuple[Organization, str], rows: Rows, database: Database
) -> None:
    campaign, sequence, contact = await rows.campaign(), await rows.sequence(), await rows.contact()
    async with Opened(api_app, organization[1]) as opened:
        await opened.ready()
        message = await rows.message(campaign.content_id, contact)
        assert await told(opened, 1) == [("message", "accepted")]
        await change(database, "UPDATE message SET state = 'sending' WHERE id = :id", id=message.id)
        await change(database, "UPDATE message SET state = 'failed', reason = 'Ada said no' WHERE id = :id", id=message.id)
        event = await opened.next()
        assert event is not None
        assert (event.data["state"], event.data["about"]["reason"]) == ("failed", None)  # a text, perhaps about a person
        for report in ("delivered", "delivered", "bounced"):
            await change(database, "UPDATE message SET report = :report WHERE id = :id", id=message.id, report=report)
        assert await told(opened, 2) == [("report", "delivered"), ("report", "bounced")]
        enrollment = await rows.enrollment(sequence, contact, EnrollmentState.QUEUED)
        assert await told(opened, 1) == [("enrollment", "queued")]
        await change(database, "UPDATE enrollment SET state = 'running' WHERE id = :id", id=enrollment.id)
        async with database.transaction() as session:
            await close_enrollment(session, enrollment.id, "completed", "done")
        ended = await opened.next()
        assert ended is not None
        assert (ended.data["state"], ended.data["about"]["outcome"], ended.data["about"]["version"]) == ("completed", "done", 1)
        await change(database, "UPDATE campaign SET state = 'completed' WHERE id = :id", id=campaign.id)
        assert await told(opened, 1) == [("campaign", "completed")]
        assert opened.waiting() == 0


async def test_consent_and_what_people_write_are_told(
    api: Caller, api_app: FastAPI, organization: tuple[Organization, str], rows: Rows, database: Database
) -> None:
    contact = (await rows.contact()).id
    async with Opened(api_app, organization[1], contact_id=contact) as opened:
        await opened.ready()
        said = {"state": "opted_in", "medium": "sms", "reason": "Said so by phone."}
        assert (await api.post(f"/contacts/{contact}/consent", json=said)).status_code == 201
        event = await opened.next()
        assert event is not None
        assert (event.name, event.data["state"], event.data["about"]["medium"]) == ("consent", "opted_in", "sms")
        await change(
            database,
            """
            INSERT INTO inbound_message (id, org_id, channel_id, contact_id, body, provider_id, meaning, received_at)
            SELECT gen_random_uuid(), org_id, id, :contact, 'Hello', 'x', 'reply', now()
            FROM channel WHERE org_id = :org_id LIMIT 1
            """,
            contact=contact,
            org_id=organization[0].id,
        )
        wrote = await opened.next()
        assert wrote is not None
        assert (wrote.name, wrote.data["state"]) == ("inbound_message", "reply")
        assert "Hello" not in opened.body.decode()
