"""Every person has the outcomes for which there is a cause, once, and the counter equals them, whoever writes the cause."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from temporalio.client import Client

from models.campaigns.campaign import Campaign
from models.clicks.click import Scope
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import Message
from models.outcomes.person_outcome import Outcome, count_outcomes
from models.reconcile.reconcile import compare, repair
from services.contacts.erase import erase_contact
from tests.clicks import rows
from tests.rows import Rows

FOLLOWED_UP, REPLIED, OPTED_OUT = Outcome
ALL = "SELECT scope, scope_id, outcome, contact_id FROM person_outcome ORDER BY 1, 2, 3, 4"


async def outcomes(database: Database, scope_id: UUID, scope: Scope = Scope.CAMPAIGN) -> dict[Outcome, int]:
    """Those that somebody has. The counter and the rows are the same."""
    different = {each.table for each in (await compare(database)).differences}
    assert not different & {"person_outcome", "outcome_count"}
    async with database.transaction() as session:
        counts = (await count_outcomes(session, scope, [scope_id])).get(scope_id, {})
    return {outcome: people for outcome, people in counts.items() if people}


async def reply(made: Rows, message: Message, meaning: InboundMeaning = InboundMeaning.REPLY, **changes: Any) -> InboundMessage:
    row = InboundMessage(
        **{
            "org_id": made.org_id,
            "channel_id": message.channel_id,
            "contact_id": message.contact_id,
            "message_id": message.id,
            "provider_id": str(uuid4()),
            "meaning": meaning,
            **changes,
        }
    )
    async with made.database.transaction() as session:
        session.add(row)
    return row


async def opt_out(made: Rows, contact_id: UUID, source: ConsentSource, state: str = "opted_out", **proof: Any) -> None:
    written = {name: str(value) for name, value in proof.items()}
    async with made.database.transaction() as session:
        row = Consent(org_id=made.org_id, contact_id=contact_id, state=ConsentState(state), source=source, proof=written)
        session.add(row)


async def sent_to(made: Rows, people: int = 1) -> tuple[Campaign, list[Message]]:
    campaign = await made.campaign()
    return campaign, [await made.message(campaign.content_id, await made.contact()) for _ in range(people)]


async def fired(made: Rows, content_id: int | None, people: int = 1, **owner: Any) -> list[UUID]:
    """The firings of a trigger for people who have clicked."""
    trigger = await made.trigger([content_id], **owner)
    for _ in range(people):
        await made.click(await made.message(content_id, await made.contact()))
    return await rows(made.database, "SELECT id FROM firing WHERE trigger_id = :id ORDER BY contact_id", id=trigger.id)


ACT = """
INSERT INTO firing_action (firing_id, position, trigger_id, kind, outcome, detail, at)
SELECT id, :position, trigger_id, :kind, :outcome, '{}', now() FROM unnest(CAST(:ids AS uuid[])) AS id JOIN firing USING (id)
"""


async def act(made: Rows, ids: Sequence[UUID], kind: str = "enroll", outcome: str = "done", position: int = 0) -> None:
    async with made.database.transaction() as session:
        about = {"ids": list(ids), "kind": kind, "outcome": outcome, "position": position}
        await session.execute(text(ACT), about)


async def test_whom_a_trigger_enrolled_or_wrote_to_is_followed_up_once(made: Rows, database: Database) -> None:
    campaign, other = await made.campaign(), await made.campaign()
    ada, ben, cy, dan = await fired(made, campaign.content_id, people=4, campaign_id=campaign.id)
    await act(made, [ada, ben])
    await act(made, [ada], "send", position=1)
    await act(made, [cy], "tag")
    await act(made, [cy, dan], "enroll", "skipped", position=1)
    await act(made, [cy, dan], "send", "failed", position=2)
    assert await outcomes(database, campaign.id) == {FOLLOWED_UP: 2}
    assert await outcomes(database, other.id) == {}
    await damage(database, "DELETE FROM firing_action WHERE outcome = 'failed'")  # as a retry does it
    await act(made, [dan], "send", position=2)
    assert await outcomes(database, campaign.id) == {FOLLOWED_UP: 3}


async def test_whom_a_trigger_of_the_sequence_wrote_to_is_followed_up_there(made: Rows, database: Database) -> None:
    sequence = await made.sequence()
    firings = await fired(made, await made.content_of_step(sequence, "hello"), sequence_id=sequence.id)
    await act(made, firings, "send")
    assert await outcomes(database, sequence.id, Scope.SEQUENCE) == {FOLLOWED_UP: 1}


async def test_a_person_who_writes_back_has_replied_once(made: Rows, database: Database) -> None:
    campaign, (to_ada, to_ben, to_cy, to_dan) = await sent_to(made, 4)
    for meaning in (InboundMeaning.REPLY, InboundMeaning.PERHAPS_REFUSAL):
        await reply(made, to_ada, meaning)
    await reply(made, to_ben)
    await reply(made, to_cy, message_id=None)
    for meaning in (InboundMeaning.STOP, InboundMeaning.START, InboundMeaning.HELP):
        await reply(made, to_dan, meaning)
    assert await outcomes(database, campaign.id) == {REPLIED: 2}


async def test_a_message_of_a_sequence_is_answered_there(made: Rows, database: Database) -> None:
    sequence = await made.sequence()
    message = await made.message(await made.content_of_step(sequence, "hello"), await made.contact())
    await reply(made, message)
    await opt_out(made, message.contact_id, ConsentSource.UNSUBSCRIBE_LINK, message_id=message.id)
    assert await outcomes(database, sequence.id, Scope.SEQUENCE) == {REPLIED: 1, OPTED_OUT: 1}


OURS = [each for each in ConsentSource if each not in (ConsentSource.API, ConsentSource.IMPORT)]


@pytest.mark.parametrize("source", OURS)
async def test_an_opt_out_that_names_a_message_or_an_answer_to_it_counts_there(
    made: Rows, database: Database, source: ConsentSource
) -> None:
    campaign, (to_ada, to_ben) = await sent_to(made, 2)
    answer = await reply(made, to_ben, InboundMeaning.STOP)
    await opt_out(made, to_ada.contact_id, source, message_id=to_ada.id)
    await opt_out(made, to_ada.contact_id, source, message_id=to_ada.id)
    await opt_out(made, to_ben.contact_id, source, inbound_message_id=answer.id)
    assert await outcomes(database, campaign.id) == {OPTED_OUT: 2}


async def test_what_says_nothing_of_the_campaign_is_no_opt_out_of_it(made: Rows, database: Database) -> None:
    campaign, (message,) = await sent_to(made)
    link, contact_id = ConsentSource.UNSUBSCRIBE_LINK, message.contact_id
    for source in (ConsentSource.API, ConsentSource.IMPORT):
        await opt_out(made, contact_id, source, message_id=message.id)
    await opt_out(made, contact_id, link, "opted_in", message_id=message.id)
    for _ in range(8):  # PostgreSQL plans the statement for this value alone up to five times
        await opt_out(made, contact_id, link, message_id="no id")
    await opt_out(made, contact_id, link, message_id=uuid4())
    await opt_out(made, contact_id, link)
    await opt_out(made, (await made.contact()).id, link, message_id=message.id)  # somebody else at the same address
    assert await outcomes(database, campaign.id) == {}


async def test_what_is_rolled_back_became_of_nobody(made: Rows, database: Database) -> None:
    campaign, (message,) = await sent_to(made)
    async with database.session() as session:
        session.add(
            InboundMessage(
                org_id=made.org_id,
                channel_id=message.channel_id,
                contact_id=message.contact_id,
                message_id=message.id,
                provider_id="1",
            )
        )
        await session.flush()
    assert await outcomes(database, campaign.id) == {}


async def test_an_erased_person_still_counts(made: Rows, database: Database, temporal: Client) -> None:
    campaign = await made.campaign()
    await act(made, await fired(made, campaign.content_id, campaign_id=campaign.id))
    (message,) = await messages_of(database)
    await reply(made, message)
    await opt_out(made, message.contact_id, ConsentSource.UNSUBSCRIBE_LINK, message_id=message.id)
    before = await outcomes(database, campaign.id)
    assert before == {FOLLOWED_UP: 1, REPLIED: 1, OPTED_OUT: 1}
    await erase_contact(database, temporal, made.org_id, message.contact_id)
    assert await outcomes(database, campaign.id) == before


async def test_two_writers_count_people_of_one_campaign_and_neither_waits(made: Rows, database: Database) -> None:
    campaign = await made.campaign()
    firings = await fired(made, campaign.content_id, people=4, campaign_id=campaign.id)
    about = {"kind": "enroll", "outcome": "done", "position": 0}
    async with database.session() as one, database.session() as other:
        for session, firing in zip((one, other, one, other), firings, strict=True):
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            await session.execute(text(ACT), {**about, "ids": [firing]})
        await other.commit()
        await one.commit()
    assert await outcomes(database, campaign.id) == {FOLLOWED_UP: 4}


async def test_writers_of_the_same_people_wait_for_each_other_and_never_in_a_circle(made: Rows, database: Database) -> None:
    """Several triggers of a campaign write to the same people, in whatever order their messages were answered."""
    campaign = await made.campaign()
    firings = await fired(made, campaign.content_id, people=30, campaign_id=campaign.id)
    for _ in range(5):
        await damage(database, "DELETE FROM firing_action")
        await damage(database, "DELETE FROM person_outcome")
        await asyncio.gather(*(act(made, firings[:: (-1) ** n], position=n) for n in range(4)))
        assert await outcomes(database, campaign.id) == {FOLLOWED_UP: 30}


async def messages_of(database: Database) -> Sequence[Message]:
    async with database.transaction() as session:
        return (await session.scalars(select(Message))).all()


async def damage(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


ROGUE = "INSERT INTO person_outcome VALUES ('campaign', gen_random_uuid(), 'replied', gen_random_uuid(), now())"


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("DELETE FROM person_outcome", "person_outcome"),
        ("DELETE FROM person_outcome WHERE outcome = 'opted_out'", "person_outcome"),
        ("UPDATE person_outcome SET outcome = 'opted_out' WHERE outcome = 'replied'", "person_outcome"),
        (ROGUE, "person_outcome"),
        ("DELETE FROM inbound_message", "person_outcome"),
        ("UPDATE outcome_count SET people = people + 2", "outcome_count"),
        ("DELETE FROM outcome_count", "outcome_count"),
        ("INSERT INTO outcome_count VALUES ('sequence', gen_random_uuid(), 'replied', 3, 5)", "outcome_count"),
    ],
)
async def test_a_difference_is_found_and_repaired(made: Rows, database: Database, statement: str, table: str) -> None:
    campaign = await made.campaign()
    await act(made, await fired(made, campaign.content_id, people=2, campaign_id=campaign.id), "send")
    _, (answered,) = await sent_to(made)
    await reply(made, answered)
    _, (refused,) = await sent_to(made)
    await opt_out(made, refused.contact_id, ConsentSource.COMPLAINT, message_id=refused.id)
    before = await rows(database, ALL)
    assert len(before) == 4
    await damage(database, statement)
    assert table in {each.table for each in (await compare(database)).differences}
    await repair(database)
    assert (await compare(database)).equal
    if "inbound" not in statement:
        assert await rows(database, ALL) == before
