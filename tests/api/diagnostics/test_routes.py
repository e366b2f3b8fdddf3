"""Diagnostics: each finding appears when its cause is there, and not without it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client

from api.diagnostics.finding import Code
from api.handling.services import Services
from models.base import new_id, now
from models.campaigns.campaign import CampaignState
from models.clicks.inbox import ClickInbox, ClickRejected, SignalOutbox
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import EnrollmentState
from models.start import GRACE
from services.clicks.geo_locations import demo_database
from tests.api.campaign_builders import enrolls
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import BYE, NOWHERE, OFFER, SEND, WAIT, Rows

DOCS = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
LONG_AGO = timedelta(minutes=3)


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, row: Any) -> dict[str, dict[str, Any]]:
    """The findings by code; `row` is a campaign or a sequence."""
    answer = await api.get(f"/{row.__tablename__}s/{row.id}/diagnostics")
    assert answer.status_code == 200, answer.text
    found = {each["code"]: each for each in answer.json()["findings"]}
    assert len(found) == len(answer.json()["findings"])
    assert all(each["sentence"].endswith((".", "known")) and each["what_to_change"].endswith(".") for each in found.values())
    return found


async def set_organization(rows: Rows, **values: bool) -> None:
    async with rows.database.transaction() as session:
        await session.execute(update(Organization).where(col(Organization.id) == rows.org_id).values(**values))


async def sent_campaign(rows: Rows, **fields: Any) -> Any:
    campaign = await rows.campaign(**fields)
    return campaign, await rows.message(campaign.content_id, await rows.contact())


@pytest.mark.parametrize("area", ["campaigns", "sequences"])
async def test_what_is_not_there_is_not_found(api: Caller, area: str) -> None:
    assert (await api.get(f"/{area}/{uuid4()}/diagnostics")).status_code == 404


async def test_another_organizations_findings_are_not_found(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence = await rows.campaign(), await rows.sequence()
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for path in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}"):
        assert (await api.with_key(key).get(f"{path}/diagnostics")).status_code == 404


def test_every_code_is_explained_in_the_documentation() -> None:
    text = DOCS.read_text()
    explained = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(explained) == sorted(get_args(Code))


async def test_a_draft_says_that_nothing_was_sent(api: Caller, rows: Rows) -> None:
    draft = await rows.campaign(state=CampaignState.DRAFT)
    assert set(await read(api, draft)) == {"not_launched", "no_trigger", "geo_database_demo"}
    unpublished = await rows.sequence([SEND, BYE], publish=False)
    assert set(await read(api, unpublished)) == {"not_published", "no_wait_for_click", "geo_database_demo"}


async def test_tracking_that_is_off_is_named_with_its_level(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(link_tracking=False)
    assert (await read(api, campaign))["link_tracking_off"]["level"] == "campaign"
    sequence = await rows.sequence(link_tracking=False)
    found = await read(api, sequence)
    assert (found["link_tracking_off"]["level"], found["link_tracking_off"]["question"]) == ("sequence", "sequence_not_tracking")
    assert (found["wait_untracked"]["level"], found["wait_untracked"]["severity"]) == ("sequence", "problem")
    await set_organization(rows, link_tracking=False)
    inheriting = await rows.campaign()
    found = await read(api, inheriting)
    assert (found["link_tracking_off"]["level"], found["link_tracking_off"]["question"]) == ("organization", "clicks_not_showing")


async def test_off_at_both_levels_is_two_findings(api: Caller, rows: Rows) -> None:
    await set_organization(rows, link_tracking=False)
    campaign = await rows.campaign(link_tracking=False)
    answer = (await api.get(f"/campaigns/{campaign.id}/diagnostics")).json()["findings"]
    assert [each["level"] for each in answer if each["code"] == "link_tracking_off"] == ["organization", "campaign"]


async def test_links_that_went_out_tracked_count_whatever_is_switched_off_later(api: Caller, rows: Rows) -> None:
    triggers = [enrolls((await rows.sequence()).id, "offer")]
    campaign, _ = await sent_campaign(rows, triggers=triggers, wakes=[0])
    await set_organization(rows, link_tracking=False)
    found = await read(api, campaign)
    assert found["link_tracking_off"]["severity"] == "info"
    assert "concerns future messages" in found["link_tracking_off"]["sentence"]
    assert "trigger_untracked" not in found


async def test_tracking_that_is_switched_off_while_messages_go_out_is_a_problem_for_the_rest(api: Caller, rows: Rows) -> None:
    triggers = [enrolls((await rows.sequence()).id, "offer")]
    campaign, _ = await sent_campaign(rows, triggers=triggers, wakes=[0], state=CampaignState.SENDING)
    await set_organization(rows, link_tracking=False)
    found = await read(api, campaign)
    assert (found["link_tracking_off"]["severity"], found["trigger_untracked"]["severity"]) == ("problem", "problem")
    assert "1 message went out before with tracked links, which count." in found["link_tracking_off"]["sentence"]
    assert found["trigger_untracked"]["sentence"].endswith("those that went out tracked still count.")


async def test_messages_sent_before_tracking_was_on_are_counted(api: Caller, rows: Rows) -> None:
    campaign, _ = await sent_campaign(rows)
    for _ in range(2):
        await rows.message(campaign.content_id, await rows.contact(), tracked=False)
    found = (await read(api, campaign))["sent_untracked"]
    assert (found["count"], found["severity"]) == (2, "warning")
    assert "2 of 3 messages" in found["sentence"]


async def publish_trigger(rows: Rows, campaign: Any, positions: tuple[int, ...] = (0,)) -> None:
    """Publishes the campaign's trigger on these links of its text, as a launch does."""
    written = campaign.triggers[0]
    columns = {"campaign_id": campaign.id, "key": written["key"], "link": written["link"]}
    await rows.trigger([campaign.content_id], written["actions"], positions, **columns)


async def test_a_text_without_links_cannot_be_clicked(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(links=(), triggers=[enrolls(uuid4())])
    await publish_trigger(rows, campaign, ())
    found = await read(api, campaign)
    assert {"no_links", "nothing_sent", "trigger_link_missing", "trigger_sequence_missing"} <= set(found)


async def test_clicks_of_machines_alone_are_told_apart_from_none(api: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    assert "no_clicks_yet" in await read(api, campaign)
    await rows.click(message, verdict="bot", metadata=NOWHERE)
    found = await read(api, campaign)
    assert found["only_machine_clicks"]["count"] == 1
    assert "no_clicks_yet" not in found
    await rows.click(message)
    assert {"only_machine_clicks", "no_clicks_yet"}.isdisjoint(await read(api, campaign))


async def test_clicks_that_wait_or_were_set_aside_are_found(api: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    place = {"content_id": message.content_id, "recipient_number": 0, "position": 0, "verdict": "human", "reason": "person"}
    await rows._add(ClickInbox(id=new_id(), org_id=rows.org_id, clicked_at=now(), **place))
    assert "clicks_waiting" not in await read(api, campaign)
    async with rows.database.transaction() as session:
        await session.execute(update(ClickInbox).values(clicked_at=now() - LONG_AGO))
    await rows._add(ClickRejected(id=new_id(), clicked_at=now(), problem="no such message", **place))
    found = await read(api, campaign)
    assert "3 minutes" in found["clicks_waiting"]["sentence"]
    assert found["clicks_rejected"]["count"] == 1


async def test_a_trigger_that_works_has_no_finding(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    campaign, message = await sent_campaign(rows, triggers=[enrolls(sequence.id, "offer")], wakes=[0])
    await publish_trigger(rows, campaign)
    assert "no_trigger_click" in await read(api, campaign)
    await rows.click(message, verdict="bot")
    assert "trigger_only_machines" in await read(api, campaign)
    await rows.click(message)
    assert set(await read(api, campaign)) == {"geo_database_demo", "location_approximate"}


async def test_a_sequence_whose_triggers_fire_waits_for_no_click(api: Caller, rows: Rows) -> None:
    hot = {"key": "hot", "actions": [{"kind": "tag", "tags": ["hot"]}]}
    assert "no_wait_for_click" in await read(api, await rows.sequence([SEND, BYE]))
    assert "no_wait_for_click" not in await read(api, await rows.sequence([{**SEND, "triggers": [hot]}, BYE]))


async def test_a_trigger_that_cannot_fire_says_why(api: Caller, rows: Rows) -> None:
    unpublished = await rows.sequence(publish=False)
    campaign = await rows.campaign(triggers=[enrolls(unpublished.id, "prize")], link_tracking=False)
    await publish_trigger(rows, campaign, ())
    found = await read(api, campaign)
    assert "'prize'" in found["trigger_link_missing"]["sentence"]
    assert found["trigger_untracked"]["level"] == "campaign"
    assert "trigger_sequence_not_published" in found


async def test_a_drafts_trigger_is_compared_with_its_text(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence(link_tracking=False)
    message = {"body": "See {{ links.offer }}", "links": dict([OFFER])}
    draft: dict[str, Any] = {"state": CampaignState.DRAFT, "message": message}
    named = await rows.campaign(**draft, triggers=[enrolls(sequence.id, "offer")])
    found = await read(api, named)
    assert "trigger_link_missing" not in found
    assert found["follow_up_untracked"]["level"] == "sequence"
    other = await rows.campaign(**draft, triggers=[enrolls(sequence.id, "prize")])
    finding = (await read(api, other))["trigger_link_missing"]
    assert finding["what_to_change"].endswith("in the trigger, and launch.")


async def test_another_organizations_sequence_is_a_missing_one(api: Caller, rows: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    stranger = await Rows(database, other.id).sequence()
    campaign = await rows.campaign(triggers=[enrolls(stranger.id, "offer")])
    await publish_trigger(rows, campaign)
    assert "trigger_sequence_missing" in await read(api, campaign)


async def test_a_wait_for_a_link_that_nobody_sends_is_found(api: Caller, rows: Rows) -> None:
    deaf = await rows.sequence([SEND, {**WAIT, "link": "prize", "on_click": "bye"}, BYE])
    found = await read(api, deaf)
    assert "'prize'" in found["wait_link_missing"]["sentence"]
    assert {"no_enrollments", "nothing_sent"} <= set(found)
    assert "wait_link_missing" not in await read(api, await rows.sequence())
    assert "wait_link_missing" in await read(api, await rows.sequence([SEND, {**WAIT, "on_click": "bye"}, BYE], publish=False))


async def test_a_draft_that_was_edited_after_publishing_is_named(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    assert "draft_not_published" not in await read(api, sequence)
    async with rows.database.transaction() as session:
        row = await session.get_one(type(sequence), sequence.id)
        row.draft = {"steps": [SEND, BYE]}
    assert "version 1" in (await read(api, sequence))["draft_not_published"]["sentence"]


async def test_work_that_was_not_started_or_failed_is_found(api: Caller, rows: Rows) -> None:
    sequence, contact = await rows.sequence(), await rows.contact()
    waiting: dict[str, Any] = {"workflow_started_at": None, "state": EnrollmentState.QUEUED}
    await rows.enrollment(sequence, contact, **waiting)
    await rows.enrollment(sequence, await rows.contact(), **waiting, created_at=now() - 2 * GRACE)
    assert "enrollments_not_started" not in await read(api, sequence)
    await rows.enrollment(sequence, await rows.contact(), **waiting, created_at=now() - LONG_AGO)
    await rows.enrollment(sequence, await rows.contact(), EnrollmentState.FAILED, outcome="no such channel.")
    found = await read(api, sequence)
    assert found["enrollments_not_started"]["count"] == 1
    assert "Temporal answers" in found["enrollments_not_started"]["sentence"]
    assert "worker" in found["enrollments_not_started"]["what_to_change"]
    assert "no such channel" in found["enrollments_failed"]["sentence"]


async def test_temporal_being_away_is_said(rows: Rows, services: Services, with_services: Callable[[Services], Caller]) -> None:
    away = with_services(replace(services, temporal=await Client.connect("127.0.0.1:1", lazy=True)))
    campaign, message = await sent_campaign(rows, triggers=[enrolls(uuid4())])
    async with rows.database.transaction() as session:
        await session.execute(update(type(campaign)).values(workflow_started_at=None))
    place = {"content_id": message.content_id, "recipient_number": message.recipient_number, "position": 0}
    await rows._add(SignalOutbox(**place, click_id=new_id(), created_at=now() - LONG_AGO, last_error="connection refused"))
    found = await read(away, campaign)
    assert "Temporal does not answer" in found["campaign_not_started"]["sentence"]
    assert "TEMPORAL_ADDRESS" in found["signals_waiting"]["what_to_change"]
    assert "connection refused" in found["signals_waiting"]["sentence"]


async def test_a_delivered_signal_is_not_waiting(api: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    place = {"content_id": message.content_id, "recipient_number": message.recipient_number, "position": 0}
    await rows._add(SignalOutbox(**place, click_id=new_id(), created_at=now() - LONG_AGO, outcome="delivered"))
    assert "signals_waiting" not in await read(api, campaign)


async def test_metadata_that_is_not_collected_is_named(api: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    await rows.click(message, metadata=None)
    await rows.click(message)
    found = await read(api, campaign)
    assert (found["clicks_without_metadata"]["count"], "metadata_off" in found) == (1, False)
    assert "1 of 2 clicks" in found["clicks_without_metadata"]["sentence"]
    await set_organization(rows, link_tracking_metadata=False)
    assert (await read(api, campaign))["metadata_off"]["level"] == "organization"


async def test_the_geo_database_is_looked_at(
    rows: Rows, services: Services, with_services: Callable[[Services], Caller], tmp_path: Path
) -> None:
    campaign, _ = await sent_campaign(rows)
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"not a database")
    expected = {
        None: "geo_database_demo",
        demo_database(): "geo_database_old",
        broken: "geo_database_broken",
        tmp_path / "none.mmdb": "geo_database_missing",
    }
    for path, code in expected.items():
        configured = services.settings.model_copy(update={"geo_database": path})
        found = await read(with_services(replace(services, settings=configured)), campaign)
        assert [each for each in found if each.startswith("geo_database")] == [code]


@pytest.fixture
def public(services: Services, with_services: Callable[[Services], Caller]) -> Caller:
    """An API whose links everybody can open."""
    settings = services.settings.model_copy(update={"link_domain": "https://go.example.com"})
    return with_services(replace(services, settings=settings))


async def test_clicks_without_a_country_point_to_the_proxies(public: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    await rows.click(message)
    assert "country_unknown" not in await read(public, campaign)
    await rows.click(message, metadata=NOWHERE)
    found = (await read(public, campaign))["country_unknown"]
    assert (found["count"], found["severity"]) == (1, "warning")
    assert "TRUSTED_PROXIES" in found["what_to_change"]


async def test_clicks_on_links_of_this_machine_have_no_country_to_know(api: Caller, rows: Rows) -> None:
    campaign, message = await sent_campaign(rows)
    await rows.click(message, metadata=NOWHERE)
    found = (await read(api, campaign))["country_unknown"]
    assert (found["count"], found["severity"]) == (1, "info")
    assert "their links lead to http://127.0.0.1:8001, which only this machine or a private network can open" in found["sentence"]
    assert found["what_to_change"] == "Nothing has to be changed."


async def test_a_campaigns_own_link_domain_says_from_where_its_clicks_come(api: Caller, public: Caller, rows: Rows) -> None:
    """Whatever the server's own is."""
    for caller, domain, severity in ((api, "https://go.example.com", "warning"), (public, "http://10.0.0.5:8001", "info")):
        campaign, message = await sent_campaign(rows, link_domain=domain)
        await rows.click(message, metadata=NOWHERE)
        assert (await read(caller, campaign))["country_unknown"]["severity"] == severity


async def test_who_got_no_message_is_counted_with_reasons(api: Caller, rows: Rows) -> None:
    campaign, _ = await sent_campaign(rows)
    for state, reason in (
        (MessageState.SKIPPED, "no_phone"),
        (MessageState.SKIPPED, "no_phone"),
        (MessageState.FAILED, "refused"),
        (MessageState.UNKNOWN, "interrupted"),
        (MessageState.PLANNED, "slow down"),
    ):
        await rows.message(campaign.content_id, await rows.contact(), state, reason=reason)
    found = await read(api, campaign)
    assert "no_phone (2)" in found["contacts_skipped"]["sentence"]
    assert "refused (1)" in found["messages_failed"]["sentence"]
    assert found["messages_unknown"]["count"] == 1
    assert "1 message for now: slow down (1)" in found["messages_refused"]["sentence"]


async def test_problems_come_first(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(link_tracking=False)
    findings = (await api.get(f"/campaigns/{campaign.id}/diagnostics")).json()["findings"]
    order = [("problem", "warning", "info").index(each["severity"]) for each in findings]
    assert order == sorted(order)


async def test_few_statements_are_asked_and_each_uses_an_index(api: Caller, rows: Rows, database: Database) -> None:
    sequence = await rows.sequence()
    campaign, message = await sent_campaign(rows, triggers=[enrolls(sequence.id, "offer")])
    await rows.click(message)
    for row in (campaign, sequence):
        with statements(database) as sent:
            await read(api, row)
        assert len(sent) <= 18
        assert await scans_without_index(database, sent) == []
