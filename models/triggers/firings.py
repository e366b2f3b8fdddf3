"""What triggers have done: their firings with the outcome of each action, and another attempt at those that failed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.contacts.contact import Contact, refuse_erased
from models.errors import Conflict, ConflictCode, NotFound
from models.organizations.owned import require_owned
from models.paging import PageRequest, cut_page
from models.triggers.firing import ActionOutcome, Firing, FiringAction
from models.triggers.messages import try_messages_again
from models.triggers.trigger import Trigger


class FiringState(StrEnum):
    """`open`: some of its actions are still to be done. `failed`: it is over, and one of them has failed. `done`: it is over, and
    none has."""

    OPEN = "open"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class FiringWithActions:
    firing: Firing
    trigger: Trigger
    actions: Sequence[FiringAction]
    contact: Contact

    @property
    def state(self) -> FiringState:
        if self.firing.finished_at is None:
            return FiringState.OPEN
        failed = any(each.outcome == ActionOutcome.FAILED for each in self.actions)
        return FiringState.FAILED if failed else FiringState.DONE


@dataclass(frozen=True)
class FiringFilter:
    """Each condition that is None lets everything through. `failed` asks for a failed action, and `open` for a firing that is not
    over."""

    contact_id: UUID | None = None
    failed: bool = False
    open: bool = False


async def triggers_of_campaign(session: AsyncSession, campaign_id: UUID, key: str) -> list[Trigger]:
    statement = select(Trigger).where(col(Trigger.campaign_id) == campaign_id, col(Trigger.key) == key)
    return _found(list(await session.scalars(statement)), "campaign", key)


async def triggers_of_sequence(session: AsyncSession, sequence_id: UUID, key: str, step_key: str | None) -> list[Trigger]:
    """Returns those of all published versions, with this key. With `step_key`, only those on this step."""
    statement = select(Trigger).where(col(Trigger.sequence_id) == sequence_id, col(Trigger.key) == key)
    if step_key is not None:
        statement = statement.where(col(Trigger.step_key) == step_key)
    return _found(list(await session.scalars(statement)), "sequence", key)


def _found(triggers: list[Trigger], owner: str, key: str) -> list[Trigger]:
    if not triggers:
        raise NotFound(f"The {owner} has published no trigger with the key '{key}'.")
    return triggers


# A page of each trigger by itself, newest first, and of those the newest. Limits are written out, because the planner takes one
# that it does not know for a tenth of the table.
PAGE = """
SELECT firing.* FROM firing JOIN (
    SELECT found.id FROM unnest(CAST(:triggers AS uuid[])) AS own (id) CROSS JOIN LATERAL ({found} LIMIT {rows}) AS found
    ORDER BY found.id DESC LIMIT {rows}
) AS page USING (id) ORDER BY firing.id DESC
"""
ALL = """
SELECT id FROM firing WHERE trigger_id = own.id {conditions} ORDER BY id DESC
"""
WITH_FAILURES = """
SELECT DISTINCT firing_id AS id FROM firing_action WHERE trigger_id = own.id AND outcome = 'failed' {after}
ORDER BY firing_id DESC
"""
# Two indexes have the open firings of an organization, which are never many for long.
OPEN_ONES = """
(SELECT id FROM firing WHERE org_id = :org_id AND finished_at IS NULL AND sends AND trigger_id = own.id {conditions}
UNION ALL
SELECT id FROM firing WHERE org_id = :org_id AND finished_at IS NULL AND NOT sends AND trigger_id = own.id {conditions})
ORDER BY id DESC
"""
OF_CONTACT = "AND contact_id = :contact_id"
OPEN = "AND finished_at IS NULL"
AFTER = "AND id < :after"
FAILED = "AND EXISTS (SELECT FROM firing_action action WHERE action.firing_id = firing.id AND action.outcome = 'failed')"


async def list_firings(
    session: AsyncSession, triggers: Sequence[Trigger], wanted: FiringFilter, page: PageRequest
) -> tuple[list[FiringWithActions], UUID | None]:
    """Returns a page, newest first, and the id after which the next page begins, which is None on the last page."""
    values: dict[str, Any] = {"triggers": [each.id for each in triggers], "org_id": triggers[0].org_id}
    values |= {"after": page.after} if page.after else {}
    values |= {"contact_id": wanted.contact_id} if wanted.contact_id else {}
    statement = PAGE.format(found=_statement(wanted, page), rows=page.limit + 1)
    rows = list(await session.scalars(select(Firing).from_statement(text(statement)), values))
    firings, after = cut_page(rows, page)
    return await _with_actions(session, triggers, firings), after


def _statement(wanted: FiringFilter, page: PageRequest) -> str:
    """One contact has few firings. Otherwise the index of failed actions, or those of open firings, are read."""
    if wanted.failed and wanted.contact_id is None and not wanted.open:
        return WITH_FAILURES.format(after="AND firing_id < :after" if page.after else "")
    conditions = {OF_CONTACT: wanted.contact_id, OPEN: wanted.open, FAILED: wanted.failed, AFTER: page.after}
    found = OPEN_ONES if wanted.open and wanted.contact_id is None else ALL
    return found.format(conditions=" ".join(condition for condition, given in conditions.items() if given))


async def get_firing(
    session: AsyncSession, org_id: UUID, triggers: Sequence[Trigger], firing_id: UUID, *, lock: bool = False
) -> FiringWithActions:
    """Raises NotFound, also for a firing of another trigger. With `lock`, nobody works on it until this transaction ends."""
    row = await session.get(Firing, firing_id, with_for_update=lock or None, populate_existing=lock)
    firing = require_owned(row, org_id, "firing")
    if firing.trigger_id not in {each.id for each in triggers}:
        raise NotFound("No such firing.")
    return (await _with_actions(session, triggers, [firing]))[0]


async def _with_actions(session: AsyncSession, triggers: Sequence[Trigger], firings: Sequence[Firing]) -> list[FiringWithActions]:
    statement = select(FiringAction).where(col(FiringAction.firing_id).in_([each.id for each in firings]))
    actions: defaultdict[UUID, list[FiringAction]] = defaultdict(list)
    for each in await session.scalars(statement.order_by(col(FiringAction.position))):
        actions[each.firing_id].append(each)
    of = {each.id: each for each in triggers}
    wanted = select(Contact).where(col(Contact.id).in_({each.contact_id for each in firings}))
    people = {each.id: each for each in await session.scalars(wanted)}
    return [FiringWithActions(each, of[each.trigger_id], actions[each.id], people[each.contact_id]) for each in firings]


# The actions that failed have no outcome any more, and neither do those that were skipped because of one of them. What else was
# done or skipped stays as it is, so it is not done twice.
FORGET = """
WITH gone AS (
    DELETE FROM firing_action action USING trigger
    WHERE action.firing_id = :firing_id AND trigger.id = action.trigger_id AND (outcome = 'failed' OR outcome = 'skipped'
        AND EXISTS (SELECT FROM firing_action stopped WHERE stopped.firing_id = action.firing_id
            AND stopped.outcome = 'failed' AND stopped.position < action.position
            AND definition -> 'actions' -> stopped.position ->> 'on_failure' = 'stop'))
    RETURNING action.trigger_id, action.position, outcome
), counted AS (
    INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
    SELECT trigger_id, position, outcome, -1 FROM gone ORDER BY position, outcome
    ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
)
UPDATE firing SET next_action = first.position, finished_at = NULL, due_at = now(), attempts = 0, last_error = NULL,
    sends = coalesce(trigger.definition -> 'actions' -> first.position ->> 'kind' = 'send', false)
FROM (SELECT min(position) AS position FROM gone) AS first, trigger
WHERE firing.id = :firing_id AND trigger.id = firing.trigger_id
"""


async def retry_firing(session: AsyncSession, found: FiringWithActions) -> None:
    """Has the failed actions done once more, from the first one on. The caller has locked the firing.

    Raises Conflict when the firing is not over yet, when none of its actions has failed, and when its contact was erased.
    """
    if found.state == FiringState.OPEN:
        raise Conflict(ConflictCode.FIRING_OPEN, "Its actions are still being done: look again later.")
    if found.state == FiringState.DONE:
        raise Conflict(ConflictCode.NOTHING_FAILED, "None of its actions has failed.")
    refuse_erased(await session.get_one(Contact, found.firing.contact_id))
    await session.execute(text(FORGET), {"firing_id": found.firing.id})
    await try_messages_again(session, found.firing.id)
    await session.refresh(found.firing)
