"""What the console's pages show in its benchmark: an organization with a million contacts and a thousand campaigns, of which one
has very many clicks and the newest ones have some, a sequence with people inside, segments and shared links."""

import sys
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from bench.parts.campaign_clicks import Clicks, SentCampaign, people_to_look_at, send_campaign
from bench.parts.rows import vacuum
from demo.client import Consumer, Stage
from models.database import Database
from models.organizations.organization import Organization

CAMPAIGNS, CONTACTS, CLICKS = 1_000, 1_000_000, 200_000
WITH_CLICKS, CLICKS_OF_EACH = 50, 200
ENROLLED = 300

MORE_CONTACTS = """
INSERT INTO contact (id, org_id, external_id, email, phone, first_name, last_name, tags, properties, created_at, updated_at)
SELECT uuidv7(), :org_id, 'c' || n, 'c' || n || '@example.com', '+1202' || lpad(n::text, 8, '0'), 'Person', 'Number ' || n,
    CASE WHEN n % 10 = 0 THEN ARRAY['tenth'] ELSE '{}' END, '{"city": "Oslo"}', now(), now()
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
"""
BATCH = 50_000
TEXT = "Look: {{ links.offer }} or {{ links.shop }}"
LINKS = {"offer": "https://shop.example/offer", "shop": "https://shop.example/shop"}
SEQUENCE = {
    "name": "Welcome",
    "steps": [
        {
            "kind": "send",
            "key": "hello",
            "channel": "simulator-sms",
            "message": {"body": "Hi: {{ links.offer }} {{ links.shop }}", "links": LINKS},
        },
        {"kind": "wait_for_click", "key": "wait", "timeout": "P3D", "on_click": "thanks", "on_timeout": "reminder"},
        {"kind": "send", "key": "thanks", "channel": "simulator-sms", "message": {"body": "Thanks"}, "next": "done"},
        {"kind": "send", "key": "reminder", "channel": "simulator-sms", "message": {"body": "Still there?"}},
        {"kind": "end", "key": "done"},
    ],
}


async def fill(database: Database, organization: Organization, consumer: Consumer) -> dict[str, str]:
    """Takes about five minutes. Returns of each kind the id whose page is asked for."""
    campaign = await _campaigns(database, organization, consumer)
    sequence_id, enrollment_id = await _sequence(consumer)
    await _contacts(database, organization.id)
    draft = await consumer.post("/campaigns", _draft("Draft"))
    segment = await consumer.post("/segments", {"name": "Tenth", "definition": {"kind": "tags", "has": "any", "tags": ["tenth"]}})
    link = await consumer.post("/shared-links", {"slug": "poster", "destination": "https://shop.example/poster"})
    async with database.transaction() as session:
        (person,) = await people_to_look_at(session, campaign, 1)
    message = (await consumer.get(f"/messages?contact_id={person}&limit=1"))["items"][0]
    await vacuum(database)
    channels = (await consumer.get("/channels"))["items"]
    return {
        "campaign_id": str(campaign.campaign_id),
        "draft_id": draft["id"],
        "sequence_id": sequence_id,
        "enrollment_id": enrollment_id,
        "contact_id": str(person),
        "message_id": message["id"],
        "segment_id": segment["id"],
        "link_id": str(campaign.links[0]),
        "shared_link_id": link["id"],
        "channel_id": channels[0]["id"],
        "version": "1",
    }


def _draft(name: str) -> dict[str, object]:
    message = {"body": TEXT, "links": LINKS}
    return {"name": name, "channel": "simulator-sms", "message": message, "audience": {"tags": ["tenth"]}}


async def _campaigns(database: Database, organization: Organization, consumer: Consumer) -> SentCampaign:
    """The newest ones have clicks, because they are on the first page of the list. Returns the newest, which has most."""
    ids = [(await consumer.post("/campaigns", _draft(f"Offer {number}")))["id"] for number in range(CAMPAIGNS - 1)]
    for number, campaign_id in enumerate(ids):
        if number < len(ids) - WITH_CLICKS:
            continue
        await _clicked(database, organization, campaign_id, CLICKS_OF_EACH)
    newest = (await consumer.post("/campaigns", _draft("Great offer")))["id"]
    return await _clicked(database, organization, newest, CLICKS)


async def _clicked(database: Database, organization: Organization, campaign_id: UUID, clicks: int) -> SentCampaign:
    async with database.transaction() as session:
        campaign = await send_campaign(session, organization.id, campaign_id, clicks, f"{campaign_id}-")
    await Clicks(database, campaign, clicks).record(clicks)
    return campaign


async def _contacts(database: Database, org_id: UUID) -> None:
    print(f"adding {CONTACTS:,} contacts", file=sys.stderr, flush=True)
    for first in range(1, CONTACTS + 1, BATCH):
        async with database.transaction() as session:
            await session.execute(text(MORE_CONTACTS), {"org_id": org_id, "first": first, "last": first + BATCH - 1})


async def _sequence(consumer: Consumer) -> tuple[str, str]:
    """People who are inside and wait for a click."""
    people = [{"external_id": f"inside-{number}", "phone": f"+1303{number:07}"} for number in range(ENROLLED)]
    rows = (await consumer.post("/contacts/bulk", {"contacts": people}))["results"]
    path = f"/sequences/{(await consumer.post('/sequences', SEQUENCE))['id']}"
    await consumer.post(f"{path}/publish")
    answer = await consumer.post(f"{path}/enrollments", {"contact_ids": [row["contact_id"] for row in rows]})

    async def waiting() -> int:
        steps: Sequence[dict[str, object]] = (await consumer.get(f"{path}/analytics"))["steps"]
        return next((int(str(each["active"])) for each in steps if each["step_key"] == "wait"), 0)

    await consumer.until_done(Stage("People in the sequence", ENROLLED), waiting)
    return path.rpartition("/")[2], str(answer["results"][0]["enrollment_id"])
