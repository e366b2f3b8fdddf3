"""A campaign's funnel: every number against plain counting of rows, and what is said when nobody knows."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.client import Client

from models.campaigns.campaign import Campaign
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import Message, MessageState
from models.messages.report import ReportKind
from models.organizations.organization import create_organization
from models.reconcile.reconcile import repair
from services.contacts.erase import erase_contact
from tests.builders import Caller
from tests.clicks import rows
from tests.plans import statements
from tests.rows import DESKTOP, NOWHERE, OFFER, PHONE, Rows, minutes

TERMS = (None, "https://shop.example/terms")

OF_ROWS = {
    "recipients": "SELECT count(DISTINCT contact_id) FROM message WHERE campaign_id = :id",
    "sent": "SELECT count(DISTINCT contact_id) FROM message WHERE campaign_id = :id AND state IN ('accepted', 'unknown')",
    "delivered": """SELECT count(DISTINCT contact_id) FROM message
        WHERE campaign_id = :id AND report IN ('delivered', 'replied', 'complained')""",
    "clicked": "SELECT count(DISTINCT contact_id) FROM click WHERE campaign_id = :id AND verdict = 'human'",
    "followed_up": """SELECT count(DISTINCT contact_id) FROM firing JOIN firing_action ON firing_id = firing.id
        JOIN trigger ON trigger.id = firing.trigger_id
        WHERE campaign_id = :id AND kind IN ('enroll', 'send') AND outcome = 'done'""",
    "replied": """SELECT count(DISTINCT message.contact_id) FROM inbound_message JOIN message ON message.id = message_id
        WHERE campaign_id = :id AND meaning IN ('reply', 'perhaps_refusal')""",
    "opted_out": """SELECT count(DISTINCT message.contact_id) FROM consent
        JOIN message ON message.id::text = proof ->> 'message_id'
        WHERE campaign_id = :id AND consent.state = 'opted_out' AND source = 'unsubscribe_link'""",
}


async def read(api: Caller, campaign: Campaign, **params: str) -> dict[str, Any]:
    answer = await api.get(f"/campaigns/{campaign.id}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def funnel(api: Caller, campaign: Campaign, **params: str) -> dict[str, Any]:
    body = (await read(api, campaign, **params))["funnel"]
    return {name: stage["count"] if isinstance(stage, dict) else stage for name, stage in body.items()}


async def write_back(made: Rows, message: Message, meaning: InboundMeaning = InboundMeaning.REPLY) -> None:
    about: dict[str, Any] = {
        "org_id": made.org_id,
        "channel_id": message.channel_id,
        "contact_id": message.contact_id,
        "message_id": message.id,
    }
    async with made.database.transaction() as session:
        session.add(InboundMessage(**about, provider_id=f"{message.id} {meaning}", meaning=meaning))


async def unsubscribe(made: Rows, message: Message) -> None:
    about: dict[str, Any] = {"org_id": made.org_id, "contact_id": message.contact_id, "proof": {"message_id": str(message.id)}}
    async with made.database.transaction() as session:
        session.add(Consent(**about, state=ConsentState.OPTED_OUT, source=ConsentSource.UNSUBSCRIBE_LINK))


async def act(made: Rows, trigger_id: UUID) -> None:
    """The trigger has enrolled everybody for whom it fired."""
    async with made.database.transaction() as session:
        values = "SELECT id, 0, trigger_id, 'enroll', 'done', '{}', now() FROM firing WHERE trigger_id = :id"
        columns = "firing_id, position, trigger_id, kind, outcome, detail, at"
        await session.execute(text(f"INSERT INTO firing_action ({columns}) {values}"), {"id": trigger_id})
    await repair(made.database)  # what the triggers' own counters would have


async def told_campaign(made: Rows) -> Campaign:
    """Nine people: one was skipped, one failed, one is unknown. Of the six others one bounced, for one only a machine clicked,
    and four clicked, who were followed up. Two of them answered, one with STOP, and one unsubscribed long after."""
    campaign = await made.campaign(links=(OFFER, TERMS))
    trigger = await made.trigger([campaign.content_id], positions=(0, 1), campaign_id=campaign.id)
    of = campaign.content_id
    await made.message(of, await made.contact(), MessageState.SKIPPED, reason="no_phone")
    await made.message(of, await made.contact(), MessageState.FAILED)
    await made.message(of, await made.contact(), MessageState.UNKNOWN)
    await made.message(of, await made.contact(), report=ReportKind.BOUNCED)
    scanned = await made.message(of, await made.contact(), report=ReportKind.DELIVERED)
    await made.click(scanned, at=minutes(1), verdict="bot", metadata=NOWHERE)
    reports = ("delivered", "delivered", "replied", None)
    ada, ben, cy, dan = [await made.message(of, await made.contact(), report=report) for report in reports]
    await made.click(ada, at=minutes(5), metadata=PHONE)
    await made.click(ada, 1, at=minutes(9), metadata=DESKTOP)
    await made.click(ben, at=minutes(7), verdict="suspect", metadata=PHONE)
    await made.click(ben, at=minutes(8), metadata=PHONE)
    await made.click(cy, at=minutes(100), metadata=None)
    await made.click(dan, 1, at=minutes(60 * 24 * 40), metadata=PHONE)
    await act(made, trigger.id)
    await write_back(made, cy)
    await write_back(made, dan, InboundMeaning.STOP)
    await unsubscribe(made, dan)
    return campaign


@pytest.fixture
async def campaign(made: Rows, database: Database) -> Campaign:
    """Beside one of another organization and one of the same with numbers of their own."""
    told = await told_campaign(made)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await told_campaign(Rows(database, other.id))
    await told_campaign(made)
    return told


async def test_each_stage_equals_its_rows(api: Caller, campaign: Campaign, database: Database) -> None:
    counted = {name: (await rows(database, statement, id=campaign.id))[0] for name, statement in OF_ROWS.items()}
    found = await funnel(api, campaign)
    assert found == {**counted, "unreported": 2}
    assert found == {
        "recipients": 9,
        "sent": 7,
        "delivered": 4,
        "clicked": 4,
        "followed_up": 4,
        "replied": 1,
        "opted_out": 1,
        "unreported": 2,
    }


async def test_each_stage_names_what_it_is_a_part_of(api: Caller, campaign: Campaign) -> None:
    body = (await read(api, campaign))["funnel"]
    assert body["recipients"] == {"count": 9, "of": None, "rate": None}
    assert body["sent"] == {"count": 7, "of": "recipients", "rate": 0.7778}
    of_sent = {name: stage["rate"] for name, stage in body.items() if isinstance(stage, dict) and stage["of"] == "sent"}
    assert of_sent == {"delivered": 0.5714, "clicked": 0.5714, "followed_up": 0.5714, "replied": 0.1429, "opted_out": 0.1429}


@pytest.mark.parametrize("params", [{"verdict": "bot"}, {"verdict": "all"}, {"until": "2026-11-03T12:05:00Z"}])
async def test_the_funnel_stays_the_same_whatever_clicks_are_asked_for(
    api: Caller, campaign: Campaign, params: dict[str, str]
) -> None:
    assert await funnel(api, campaign, **params) == await funnel(api, campaign)


@pytest.mark.parametrize(
    ("reports", "delivered", "unreported"),
    [
        ([], 0, 0),
        ([None, None], None, 2),
        (["bounced", None], None, 1),
        (["replied", None], None, 1),  # a mail server reports nothing, and one person answered
        (["sent", "sent"], None, 2),
        (["delivered", None], 1, 1),
        (["replied", "bounced"], 1, 0),
        (["failed", "bounced"], 0, 0),
        (["delivered", "complained", "replied"], 3, 0),
    ],
)
async def test_what_no_provider_reports_is_not_counted_as_none(
    api: Caller, made: Rows, reports: list[str | None], delivered: int | None, unreported: int
) -> None:
    campaign = await made.campaign()
    for report in reports:
        await made.message(campaign.content_id, await made.contact(), report=report)
    body = (await read(api, campaign))["funnel"]
    assert (body["delivered"]["count"], body["unreported"]) == (delivered, unreported)
    assert (body["delivered"]["rate"] is None) == (not reports or delivered is None)


@pytest.mark.parametrize("state", ["draft", "tracking"])
async def test_a_campaign_that_nobody_got_has_no_rates(api: Caller, made: Rows, state: str) -> None:
    campaign = await made.campaign(state=state)
    body = await read(api, campaign)
    assert {stage["rate"] for stage in body["funnel"].values() if isinstance(stage, dict)} == {None}
    assert (body["funnel"]["clicked"]["count"], body["best_links"]) == (0, [])
    assert (body["first_click_at"], body["last_click_at"]) == (None, None)


async def test_an_erased_person_still_counts(
    api: Caller, campaign: Campaign, made: Rows, database: Database, temporal: Client
) -> None:
    before = await funnel(api, campaign)
    people = await rows(database, "SELECT contact_id FROM message WHERE campaign_id = :id", id=campaign.id)
    for contact_id in people:
        await erase_contact(database, temporal, made.org_id, contact_id)
    assert await funnel(api, campaign) == before


async def test_the_first_and_the_last_click_are_those_of_people(api: Caller, campaign: Campaign) -> None:
    body = await read(api, campaign)
    assert (body["first_click_at"], body["last_click_at"]) == ("2026-11-03T12:05:00Z", "2026-12-13T12:00:00Z")


async def test_the_best_links_come_first_with_their_share_of_the_people(api: Caller, campaign: Campaign) -> None:
    best = (await read(api, campaign))["best_links"]
    assert [(link["url"], link["people"], link["clicks"], link["share"]) for link in best] == [
        (OFFER[1], 3, 3, 0.75),
        (TERMS[1], 2, 2, 0.5),
    ]
    scanned = (await read(api, campaign, verdict="bot"))["best_links"]
    assert [(link["url"], link["share"]) for link in scanned] == [(OFFER[1], 1.0)]


async def test_a_report_takes_few_statements(api: Caller, campaign: Campaign, database: Database) -> None:
    with statements(database) as sent:
        await read(api, campaign)
    assert len(sent) <= 19


COUNTED = """
SELECT {value} AS value, count(*)::int, sum((first.click_id IS NOT NULL)::int)::int FROM click
LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
LEFT JOIN click_first first ON first.click_id = click.id AND first.scope = 'campaign'
WHERE campaign_id = :id AND click.verdict = 'human' GROUP BY 1 ORDER BY 1 NULLS LAST
"""


@pytest.mark.parametrize(
    ("part", "column", "value"),
    [
        ("countries", "country", "country"),
        ("cities", "city", "city"),
        ("devices", "device_type", "device_type"),
        ("browsers", "browser", "browser"),
        ("systems", "os", "os"),
        (
            "series",
            "at",
            """to_char(date_trunc('day', clicked_at AT TIME ZONE 'Asia/Kathmandu'), 'YYYY-MM-DD"T"HH24:MI:SS+05:45')""",
        ),
    ],
)
async def test_each_part_equals_its_rows(
    api: Caller, campaign: Campaign, database: Database, part: str, column: str, value: str
) -> None:
    """Days are those of Kathmandu, which begin at a quarter past six in the evening of UTC."""
    body = await read(api, campaign, interval="day", time_zone="Asia/Kathmandu")
    found = sorted(((each[column], each["clicks"], each["people"]) for each in body[part]), key=lambda each: each[0] or "~")
    assert found == await rows(database, COUNTED.format(value=value), id=campaign.id)
    assert sum(clicks for _, clicks, _ in found) == body["totals"]["clicks"] == 5
    assert sum(people for _, _, people in found) == body["totals"]["people"] == 4
