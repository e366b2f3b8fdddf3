"""A click of a person fires the triggers on its link, in the transaction that records it, and as often as they may."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from activities.record_clicks import RecordClicks
from models.base import new_id, now
from models.clicks import recording
from models.clicks.partitions import make_partition
from models.clicks.recording import DescribedClick, keep_clicks
from models.contacts.contact import Contact
from models.contacts.input import ContactInput
from models.contacts.upsert import change_contact
from models.database import Database, Patience
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import EnrollmentState
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from services.clicks.held_clicks import HeldClicks
from tests.clicks import Sent, click, rows, send, store
from tests.ids import id_at
from tests.plans import statements
from tests.rows import NOON, Rows, minutes

PEOPLE = 150
ALL = RecorderInput(shard=0, shards=1)
FIRINGS = "SELECT contact_id, occurrence, click_id FROM firing ORDER BY contact_id, occurrence"
COUNTS = "SELECT what, count FROM trigger_count WHERE position = -1 ORDER BY what"
REFUSALS = "SELECT contact_id, reason, click_id FROM trigger_refusal ORDER BY at"


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    return await send(database, organization[0].id, people=PEOPLE, campaign_id=new_id())


def clicked(sent: Sent, person: int = 0, position: int = 0, verdict: str = "human") -> DescribedClick:
    made = click(sent, person, position, id=id_at(NOON), clicked_at=NOON, verdict=verdict, reason="person")
    return DescribedClick(made, None)


async def keep(database: Database, clicks: Sequence[DescribedClick]) -> int:
    """How many firings these clicks made."""
    async with database.transaction() as session:
        return (await keep_clicks(session, clicks)).fired


async def test_a_persons_click_fires_once_and_a_machines_never(database: Database, made: Rows, sent: Sent) -> None:
    trigger = await made.trigger([sent.content_id])
    machines = [clicked(sent, 1, verdict=verdict) for verdict in ("bot", "suspect")]
    first, again = clicked(sent), clicked(sent)
    assert await keep(database, [*machines, first, again]) == 1
    assert await keep(database, [clicked(sent), first]) == 0
    assert await rows(database, FIRINGS) == [(sent.contacts[0], 1, first.click.id)]
    assert await rows(database, "SELECT trigger_id, link_name, fired_at, next_action, finished_at FROM firing") == [
        (trigger.id, "offer", NOON, 0, None)
    ]
    assert await rows(database, COUNTS) == [("fired", 1), ("people", 1)]
    assert await rows(database, REFUSALS) == []


async def test_a_click_on_another_link_and_a_trigger_on_those_who_do_not_click_do_nothing(
    database: Database, made: Rows, sent: Sent
) -> None:
    await made.trigger([sent.content_id])
    await made.trigger([sent.content_id], positions=(0, 1), key="cold", event="not_clicked", within=timedelta(days=1))
    assert await keep(database, [clicked(sent, position=1)]) == 0
    assert await keep(database, [clicked(sent)]) == 1


async def test_one_click_fires_every_trigger_on_its_link(database: Database, made: Rows, sent: Sent) -> None:
    for key in ("hot", "warm"):
        await made.trigger([sent.content_id], key=key, positions=(0, 1))
    assert await keep(database, [clicked(sent), clicked(sent, position=1)]) == 2
    assert await keep(database, [clicked(sent, 1)]) == 2


async def test_a_trigger_fires_for_a_person_as_often_as_it_may_and_occurrences_are_numbered(
    database: Database, made: Rows, sent: Sent
) -> None:
    await made.trigger([sent.content_id], times=3)
    assert await keep(database, [clicked(sent)]) == 1
    assert await keep(database, [clicked(sent) for _ in range(5)]) == 2
    assert await keep(database, [clicked(sent)]) == 0
    assert [occurrence for _, occurrence, _ in await rows(database, FIRINGS)] == [1, 2, 3]
    assert await rows(database, COUNTS) == [("fired", 3), ("people", 1)]


async def test_what_is_rolled_back_has_not_fired(database: Database, made: Rows, sent: Sent) -> None:
    await made.trigger([sent.content_id])
    one = clicked(sent)
    async with database.session() as session:  # ends without a commit
        assert (await keep_clicks(session, [one])).fired == 1
    assert await rows(database, FIRINGS) == []
    assert await keep(database, [one]) == 1
    assert await rows(database, COUNTS) == [("fired", 1), ("people", 1)]


async def test_a_click_is_recorded_and_fires_while_its_contact_is_being_changed(
    database: Database, made: Rows, sent: Sent
) -> None:
    """A bulk request gives the contact another address, and has not come to its end. Clicks of everybody are recorded together,
    so nobody's may wait for it."""
    await made.trigger([sent.content_id])
    async with database.transaction() as bulk:
        contact = await bulk.get_one(Contact, sent.contacts[0])
        row = ContactInput(external_id=contact.external_id or "ann", email="new@example.com", tags=["vip"])
        await change_contact(bulk, contact.org_id, contact.id, row)
        async with database.transaction(Patience(lock=0.02, statement=60, idle=60)) as session:
            assert (await keep_clicks(session, [clicked(sent)])).fired == 1
    assert len(await rows(database, FIRINGS)) == 1


async def test_two_recorders_with_the_same_people_in_opposite_order_neither_deadlock_nor_lose_an_occurrence(
    database: Database, made: Rows, sent: Sent
) -> None:
    for key in ("hot", "warm"):
        await made.trigger([sent.content_id], key=key, times=4)
    for round in range(3):
        forth = [clicked(sent, person) for person in range(PEOPLE)]
        back = [clicked(sent, person) for person in reversed(range(PEOPLE))]
        fired = await asyncio.gather(keep(database, forth), keep(database, back))
        assert sum(fired) == (0 if round == 2 else 4 * PEOPLE)
    assert await rows(database, "SELECT DISTINCT count(*) FROM firing GROUP BY trigger_id, contact_id") == [4]
    assert await rows(database, "SELECT DISTINCT occurrence FROM firing ORDER BY 1") == [1, 2, 3, 4]
    assert await rows(database, "SELECT DISTINCT what, count FROM trigger_count ORDER BY 1") == [
        ("fired", 4 * PEOPLE),
        ("people", PEOPLE),
    ]


async def test_a_click_after_the_window_is_refused_once_and_one_at_its_end_fires(database: Database, made: Rows) -> None:
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], campaign_id=campaign.id, within=timedelta(hours=1), times=2)
    people = [await made.contact(), await made.contact()]
    on_time, late = [await made.message(campaign.content_id, person, accepted_at=NOON) for person in people]
    fired = await made.click(on_time, at=minutes(60))
    too_late = [await made.click(late, at=minutes(61)), await made.click(late, at=minutes(62))]
    assert await rows(database, "SELECT contact_id, click_id FROM firing") == [(people[0].id, fired)]
    assert await rows(database, REFUSALS) == [(people[1].id, "too_late", too_late[0])]


async def test_somebody_for_whom_it_has_fired_is_not_told_that_the_next_click_is_too_late(database: Database, made: Rows) -> None:
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], campaign_id=campaign.id, within=timedelta(hours=1))
    message = await made.message(campaign.content_id, await made.contact(), accepted_at=NOON)
    await made.click(message, at=minutes(1))
    await made.click(message, at=minutes(90))
    assert await rows(database, "SELECT count(*) FROM firing") == [1]
    assert await rows(database, REFUSALS) == []


async def test_the_window_of_an_interrupted_send_counts_from_its_claim(database: Database, made: Rows) -> None:
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], campaign_id=campaign.id, within=timedelta(hours=1))
    message = await made.message(campaign.content_id, await made.contact(), MessageState.UNKNOWN, sending_at=NOON)
    await made.click(message, at=minutes(61))
    assert [reason for _, reason, _ in await rows(database, REFUSALS)] == ["too_late"]


@pytest.mark.parametrize(
    ("column", "state"),
    [("finished_at", EnrollmentState.COMPLETED), ("stop_requested_at", EnrollmentState.RUNNING)],
)
async def test_a_click_after_the_end_of_the_enrollment_is_refused_and_an_earlier_one_fires(
    database: Database, made: Rows, column: str, state: EnrollmentState
) -> None:
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    await made.trigger([content_id], sequence_id=sequence.id, times=2)
    enrollment = await made.enrollment(sequence, await made.contact(), state, **{column: minutes(10)})
    message = await made.message(content_id, await made.contact(), enrollment=enrollment, accepted_at=NOON)
    before, after = await made.click(message, at=minutes(9)), await made.click(message, at=minutes(11))
    assert await rows(database, "SELECT click_id, enrollment_id FROM firing") == [(before, enrollment.id)]
    assert await rows(database, "SELECT reason, click_id FROM trigger_refusal") == [("enrollment_over", after)]


async def test_a_firing_with_a_segment_begins_with_the_question_for_it(database: Database, made: Rows, sent: Sent) -> None:
    await made.trigger([sent.content_id], segment_id=new_id())
    await keep(database, [clicked(sent)])
    assert await rows(database, "SELECT next_action FROM firing") == [-1]


async def test_times_that_were_refused_do_not_count_and_numbers_go_on(database: Database, made: Rows, sent: Sent) -> None:
    await made.trigger([sent.content_id])
    await keep(database, [clicked(sent)])
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM firing")
        await connection.exec_driver_sql("UPDATE trigger_person SET refused = 1")
        await connection.exec_driver_sql("UPDATE trigger_count SET count = 0")
    assert await keep(database, [clicked(sent), clicked(sent)]) == 1
    assert [occurrence for _, occurrence, _ in await rows(database, FIRINGS)] == [2]
    assert await rows(database, COUNTS) == [("fired", 1), ("people", 1)]


async def test_a_suspect_fires_when_it_is_decided_to_be_a_person(
    database: Database, database_url: str, made: Rows, sent: Sent
) -> None:
    await made.trigger([sent.content_id])
    at = now() - timedelta(seconds=20)
    held = click(sent, clicked_at=at, held_until=at + timedelta(seconds=10))
    recorder = RecordClicks(database, GeoLocations())
    await store(database_url, [held])
    await recorder.record_clicks(ALL)
    assert await rows(database, FIRINGS) == []
    await HeldClicks(database).decide()
    await recorder.record_clicks(ALL)
    assert await rows(database, "SELECT verdict FROM click") == ["human"]
    assert await rows(database, FIRINGS) == [(sent.contacts[0], 1, held.id)]


async def test_a_batch_takes_no_more_clicks_than_it_may_have_firings_and_leaves_no_organization_behind(
    database: Database, database_url: str, made: Rows, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_FIRINGS", 4)
    async with database.transaction() as session:
        another, _ = await create_organization(session, "Another organization")
    for key in ("hot", "warm"):
        await made.trigger([sent.content_id], key=key)
    other = await send(database, another.id, people=1)
    await Rows(database, another.id).trigger([other.content_id])
    await store(database_url, [click(sent, person) for person in range(5)])
    await store(database_url, [click(sent, 7, verdict="bot"), click(other)])
    recorder = RecordClicks(database, GeoLocations())
    first = await recorder.record_clicks(ALL)
    assert (first.recorded, first.remaining) == (3, True)
    assert await rows(database, "SELECT count(*) FROM firing GROUP BY org_id ORDER BY 1") == [1, 2]
    assert await rows(database, "SELECT verdict FROM click ORDER BY verdict") == ["bot", "human", "human"]
    while (await recorder.record_clicks(ALL)).remaining:
        pass
    assert await rows(database, "SELECT count(*) FROM firing GROUP BY org_id ORDER BY 1") == [1, 10]
    assert await rows(database, "SELECT count(*) FROM click_inbox") == [0]


async def test_a_single_click_with_more_firings_than_a_batch_may_have_is_recorded(
    database: Database, database_url: str, made: Rows, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_FIRINGS", 1)
    for key in ("hot", "warm"):
        await made.trigger([sent.content_id], key=key)
    await store(database_url, [click(sent), click(sent, 1)])
    recorder = RecordClicks(database, GeoLocations())
    found = [await recorder.record_clicks(ALL) for _ in range(2)]
    assert [(each.recorded, each.remaining) for each in found] == [(1, True), (1, False)]


async def test_clicks_on_contents_without_triggers_cost_one_statement(database: Database, made: Rows, sent: Sent) -> None:
    other = await send(database, sent.org_id, people=1)
    await made.trigger([other.content_id])
    with statements(database) as asked:
        assert await keep(database, [clicked(sent, person) for person in range(PEOPLE)]) == 0
    assert len(asked) == 1


@pytest.mark.parametrize(("first", "segment_id", "sends"), [("send", None, True), ("send", "any", False), ("tag", None, False)])
async def test_a_firing_that_begins_with_a_message_waits_for_the_sweeper_of_messages(
    database: Database, made: Rows, sent: Sent, first: str, segment_id: str | None, sends: bool
) -> None:
    message: dict[str, Any] = {"kind": "send", "channel": "simulator-sms", "message": {"body": "x"}}
    actions = [message, {"kind": "tag", "tags": ["hot"]}]
    await made.trigger([sent.content_id], actions[:: 1 if first == "send" else -1], segment_id=segment_id and new_id())
    await keep(database, [clicked(sent)])
    assert await rows(database, "SELECT sends FROM firing") == [sends]
