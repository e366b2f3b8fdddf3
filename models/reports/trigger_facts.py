"""The facts that explain why a trigger started nothing, for everybody or for one contact, in a handful of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.clicks.click import Scope
from models.platform.heartbeat import LATE
from models.reports.diagnostics import SENT
from models.reports.triggers import TriggerCounts
from models.triggers.trigger import Trigger

SAMPLE = 1000
"""Rows that are read of each trigger and kind, at most. Counts of them stop there."""
EXAMPLES = 3


class Refused(NamedTuple):
    people: int
    examples: Sequence[UUID]


class Waiting(NamedTuple):
    """Firings whose next action should have been done by now."""

    firings: int
    oldest: datetime
    due_at: datetime
    last_error: str | None


class NotDone(NamedTuple):
    """An action that failed or was skipped. `result` is its reason in one word, if it has one. `firing_id` is an example, whose
    contact is `contact_id`."""

    outcome: str
    position: int
    kind: str
    reason: str | None
    result: str | None
    firings: int
    firing_id: UUID
    contact_id: UUID


@dataclass
class TriggerFacts:
    """`trigger` stands for all versions with it. `links` counts the links of messages that fire it, and `sent` the messages with
    one of these. `clicks` are people's, `held` those of which nobody has decided whether they are. `reasons` are those of
    machines' clicks. `clickers` are people who clicked these, and `elsewhere` those who clicked only other links of the same
    messages, named in `other_links`. For one contact, `lasting` counts the messages whose enrollment is not over by the deadline,
    and `exhausted` says that it has fired as often as it may."""

    trigger: Trigger
    fired: int = 0
    links: int = 0
    sent: int = 0
    untracked: int = 0
    clicks: int = 0
    machines: int = 0
    held: int = 0
    lasting: int = 0
    clickers: int = 0
    elsewhere: int = 0
    other_links: list[str | None] = field(default_factory=list)
    exhausted: bool = False
    reasons: list[str] = field(default_factory=list)
    refused: dict[str, Refused] = field(default_factory=dict)
    waiting: Waiting | None = None
    not_done: list[NotDone] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        """Returns the names of the notification targets that its actions name, each once."""
        return list(dict.fromkeys(each["target"] for each in self._actions("notify")))

    @property
    def sequences(self) -> list[UUID]:
        """Returns the sequences in which its actions enroll, each once."""
        return list(dict.fromkeys(UUID(each["sequence_id"]) for each in self._actions("enroll")))

    def _actions(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.trigger.definition.get("actions", ()) if each.get("kind") == kind]


OWN = "unnest(CAST(:ids AS uuid[])) AS own (id)"
CONTENTS = "(SELECT DISTINCT trigger_id, content_id FROM trigger_link WHERE trigger_id = ANY(CAST(:ids AS uuid[]))) AS content"
LINKS = "SELECT trigger_id, count(*) AS links FROM trigger_link WHERE trigger_id = ANY(CAST(:ids AS uuid[])) GROUP BY trigger_id"

SENT_TO_ALL = f"""
SELECT trigger_id, sum(messages) AS sent, 0 AS untracked FROM {CONTENTS} JOIN message_count counted USING (content_id)
WHERE state = ANY(CAST(:sent AS text[])) GROUP BY trigger_id
"""  # noqa: S608 - made of constants, as all statements here
CLICKS_OF_ALL = """
SELECT trigger_id, sum(clicks) FILTER (WHERE verdict = 'human') AS clicks,
    sum(clicks) FILTER (WHERE verdict <> 'human') AS machines
FROM click_by JOIN content_link link ON link.id = link_id JOIN trigger_link USING (content_id, position)
WHERE scope = :scope AND scope_id = :scope_id AND dimension = 'device_type' AND trigger_id = ANY(CAST(:ids AS uuid[]))
GROUP BY trigger_id
"""
REASONS_OF_ALL = """
SELECT DISTINCT trigger_id, reason FROM unnest(ARRAY['bot', 'suspect']) AS wanted (verdict) CROSS JOIN LATERAL (
    SELECT content_id, position, reason FROM click WHERE {owner}_id = :scope_id AND verdict = wanted.verdict
    ORDER BY id DESC LIMIT 200) AS latest
JOIN trigger_link USING (content_id, position) WHERE trigger_id = ANY(CAST(:ids AS uuid[])) ORDER BY reason
"""
HELD_OF_ALL = """
SELECT trigger_id, count(*) AS held FROM click_inbox JOIN trigger_link USING (content_id, position)
WHERE held_until IS NOT NULL AND trigger_id = ANY(CAST(:ids AS uuid[])) GROUP BY trigger_id
"""

SENT_TO_ONE = f"""
SELECT trigger_id, count(*) FILTER (WHERE tracked) AS sent, count(*) FILTER (WHERE NOT tracked) AS untracked,
    count(*) FILTER (WHERE tracked AND coalesce(
        accepted_at + within < least(enrollment.finished_at, enrollment.stop_requested_at), enrollment.finished_at IS NULL
            AND enrollment.stop_requested_at IS NULL)) AS lasting
FROM message JOIN {CONTENTS} USING (content_id) JOIN trigger ON trigger.id = trigger_id
LEFT JOIN enrollment ON enrollment.id = message.enrollment_id AND trigger.sequence_id IS NOT NULL
WHERE message.contact_id = :contact_id AND message.state = ANY(CAST(:sent AS text[])) GROUP BY trigger_id
"""  # noqa: S608
CLICKS_OF_ONE = """
SELECT trigger_id, count(*) FILTER (WHERE verdict = 'human') AS clicks, count(*) FILTER (WHERE verdict <> 'human') AS machines
FROM click JOIN trigger_link USING (content_id, position)
WHERE contact_id = :contact_id AND trigger_id = ANY(CAST(:ids AS uuid[])) GROUP BY trigger_id
"""
REASONS_OF_ONE = """
SELECT DISTINCT trigger_id, reason FROM click JOIN trigger_link USING (content_id, position)
WHERE contact_id = :contact_id AND verdict <> 'human' AND trigger_id = ANY(CAST(:ids AS uuid[])) ORDER BY reason
"""
HELD_OF_ONE = """
SELECT trigger_id, count(*) AS held FROM message JOIN click_inbox inbox USING (content_id, recipient_number)
JOIN trigger_link link ON link.content_id = message.content_id AND link.position = inbox.position
WHERE contact_id = :contact_id AND held_until IS NOT NULL AND trigger_id = ANY(CAST(:ids AS uuid[])) GROUP BY trigger_id
"""
FIRED_FOR_ONE = """
SELECT trigger_id, person.times - refused AS fired, person.times - refused >= trigger.times AS exhausted
FROM trigger_person person JOIN trigger ON trigger.id = trigger_id
WHERE trigger_id = ANY(CAST(:ids AS uuid[])) AND contact_id = :contact_id
"""

# These begin with the trigger, and are for everybody or for one contact. Limits are written out, because the planner takes one
# that it does not know for a tenth of the table.
REFUSED = f"""
SELECT trigger_id, reason, count(*) AS people, (array_agg(contact_id))[1:{EXAMPLES}] AS examples FROM {OWN} CROSS JOIN LATERAL (
    SELECT trigger_id, reason, contact_id FROM trigger_refusal WHERE trigger_id = own.id {{of_contact}} LIMIT {SAMPLE}
) AS found GROUP BY trigger_id, reason
"""  # noqa: S608
WAITING = f"""
SELECT trigger_id, count(*) AS firings, min(created_at) AS oldest, min(due_at) AS due_at, max(last_error) AS last_error
FROM {OWN} CROSS JOIN LATERAL (
    SELECT trigger_id, created_at, due_at, last_error FROM firing
    WHERE trigger_id = own.id AND finished_at IS NULL AND created_at < :late {{of_contact}} LIMIT {SAMPLE}
) AS found GROUP BY trigger_id
"""  # noqa: S608
FAILED = f"""
SELECT found.trigger_id, outcome, position, kind, reason, result, count(*) AS firings,
    min(firing.id::text)::uuid AS firing_id, min(firing.contact_id::text)::uuid AS contact_id
FROM {OWN} CROSS JOIN LATERAL (
    SELECT trigger_id, firing_id, outcome, position, kind, reason, detail ->> 'result' AS result FROM firing_action
    WHERE trigger_id = own.id AND outcome = 'failed' ORDER BY firing_id DESC LIMIT {SAMPLE}
) AS found JOIN firing ON firing.id = found.firing_id
GROUP BY found.trigger_id, outcome, position, kind, reason, result ORDER BY firings DESC, position LIMIT 100
"""  # noqa: S608
# There is no index of what was skipped, so the latest firings are looked at.
SKIPPED = f"""
SELECT trigger_id, outcome, position, kind, reason, detail ->> 'result' AS result, count(*) AS firings,
    min(latest.id::text)::uuid AS firing_id, min(latest.contact_id::text)::uuid AS contact_id
FROM {OWN} CROSS JOIN LATERAL (
    SELECT id, contact_id FROM firing WHERE trigger_id = own.id ORDER BY id DESC LIMIT {SAMPLE}
) AS latest JOIN firing_action ON firing_id = latest.id AND outcome = 'skipped'
GROUP BY trigger_id, outcome, position, kind, reason, result ORDER BY firings DESC, position LIMIT 100
"""  # noqa: S608
NOT_DONE_FOR_ONE = """
SELECT action.trigger_id, outcome, position, kind, reason, detail ->> 'result' AS result, count(*) AS firings,
    min(firing.id::text)::uuid AS firing_id, contact_id
FROM firing JOIN firing_action action ON action.firing_id = firing.id AND outcome IN ('failed', 'skipped')
WHERE firing.trigger_id = ANY(CAST(:ids AS uuid[])) AND contact_id = :contact_id
GROUP BY action.trigger_id, outcome, position, kind, reason, result, contact_id ORDER BY firings DESC, position LIMIT 100
"""

# People of links of the trigger's messages, whether these are links of the trigger or not.
PEOPLE = f"""
SELECT trigger_id, count(DISTINCT contact_id) FILTER (WHERE is_own) AS clickers, count(DISTINCT contact_id) AS everybody,
    (array_agg(DISTINCT name) FILTER (WHERE NOT is_own))[1:{EXAMPLES}] AS other_links
FROM {OWN} CROSS JOIN LATERAL (
    SELECT own.id AS trigger_id, link.name, first.contact_id, EXISTS (
        SELECT FROM trigger_link heard WHERE heard.content_id = content.content_id AND heard.position = link.position
            AND heard.trigger_id = own.id) AS is_own
    FROM (SELECT DISTINCT content_id FROM trigger_link WHERE trigger_id = own.id) AS content
    JOIN content_link link USING (content_id)
    JOIN click_first first ON scope = 'link' AND scope_id = link.id AND verdict = 'human' {{of_contact}}
    LIMIT {SAMPLE}
) AS clicked GROUP BY trigger_id
"""  # noqa: S608


async def read_trigger_facts(
    session: AsyncSession, scope: Scope, scope_id: UUID, counts: Sequence[TriggerCounts], contact_id: UUID | None = None
) -> list[TriggerFacts]:
    """Returns the facts of these published triggers of the campaign or sequence, in their order and in ten statements at most.
    With a contact, only what concerns this one."""
    facts = [TriggerFacts(each.trigger, 0 if contact_id else each.fired) for each in counts]
    of = {trigger_id: found for found, each in zip(facts, counts, strict=True) for trigger_id in each.ids}
    if not of:
        return []
    values = {"ids": list(of), "sent": list(SENT), "late": now() - LATE, "scope": scope.value, "scope_id": scope_id}
    values |= {"contact_id": contact_id} if contact_id else {}
    read = _Reader(session, values, of, "AND contact_id = :contact_id" if contact_id else "")
    await read.add(LINKS)
    await read.add(SENT_TO_ONE if contact_id else SENT_TO_ALL)
    await read.add(CLICKS_OF_ONE if contact_id else CLICKS_OF_ALL)
    await read.add(HELD_OF_ONE if contact_id else HELD_OF_ALL)
    if contact_id:
        await read.add(FIRED_FOR_ONE)
    for row in await read.rows(REASONS_OF_ONE if contact_id else REASONS_OF_ALL.format(owner=scope.value)):
        of[row.trigger_id].reasons.append(row.reason)
    for row in await read.rows(REFUSED):
        known = of[row.trigger_id].refused.get(row.reason, Refused(0, ()))
        of[row.trigger_id].refused[row.reason] = Refused(known.people + row.people, [*known.examples, *row.examples][:EXAMPLES])
    for row in await read.rows(WAITING):
        of[row.trigger_id].waiting = _longer(of[row.trigger_id].waiting, Waiting(*row[1:]))
    for row in await read.rows(NOT_DONE_FOR_ONE if contact_id else FAILED):
        of[row.trigger_id].not_done.append(NotDone(*row[1:]))
    if not contact_id and any(action.skipped for each in counts for action in each.actions):
        for row in await read.rows(SKIPPED):
            of[row.trigger_id].not_done.append(NotDone(*row[1:]))
    for row in await read.rows(PEOPLE, [id for id, each in of.items() if _asks_who_clicked(each)]):
        found = of[row.trigger_id]
        found.clickers += row.clickers
        found.elsewhere += row.everybody - row.clickers
        found.other_links = list(dict.fromkeys([*found.other_links, *(row.other_links or ())]))[:EXAMPLES]
    return facts


def _asks_who_clicked(facts: TriggerFacts) -> bool:
    """Only of a trigger that has never fired it is told who clicked: other links, or all before the deadline."""
    return not facts.fired and (not facts.clicks or facts.trigger.event == "not_clicked")


@dataclass(frozen=True)
class _Reader:
    session: AsyncSession
    values: Mapping[str, Any]
    of: Mapping[UUID, TriggerFacts]
    of_contact: str

    async def rows(self, statement: str, ids: Sequence[UUID] | None = None) -> Sequence[Any]:
        """`ids` are the triggers that are asked about. None means all, and without any nothing is asked."""
        if ids is not None and not ids:
            return []
        values = self.values if ids is None else {**self.values, "ids": list(ids)}
        return (await self.session.execute(text(statement.replace("{of_contact}", self.of_contact)), values)).all()

    async def add(self, statement: str) -> None:
        """Adds the numbers of each row to the facts of its trigger, because its versions are several rows."""
        for row in await self.rows(statement):
            facts = self.of[row.trigger_id]
            for name, number in row._asdict().items():
                if isinstance(number, bool):
                    setattr(facts, name, getattr(facts, name) or number)
                elif name != "trigger_id":
                    setattr(facts, name, getattr(facts, name) + int(number or 0))


def _longer(one: Waiting | None, other: Waiting) -> Waiting:
    if one is None:
        return other
    return Waiting(
        one.firings + other.firings,
        min(one.oldest, other.oldest),
        min(one.due_at, other.due_at),
        one.last_error or other.last_error,
    )
