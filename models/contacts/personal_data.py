"""Where something about a person is kept: one entry for each table, with what an export shows of it and what an erasure removes.

A test goes through all tables: whoever adds one that can hold something of a person adds an entry here, or says in the test why
it holds nothing. Rows that counters count stay, without anything of the person, so counters stay equal to rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.counters import METADATA_VALUES, SCOPES


@dataclass(frozen=True)
class PersonalData:
    """`export` selects JSON documents, and None means that these rows have nothing that another entry does not show. `erase` is
    one statement, which finds nothing any more when it is run again. `kept` says what stays, or is empty when the rows go.

    The parameters of both are those of `Whose`.
    """

    table: str
    export: str | None
    erase: str
    kept: str = ""


@dataclass(frozen=True)
class Whose:
    """A contact. `addresses` are those that it has, and those that it had as far as messages show them; `hashes` are those under
    which they are suppressed. `ids` are those of its rows that answers of the API name."""

    org_id: UUID
    contact_id: UUID
    addresses: Sequence[str]
    hashes: Sequence[bytes]
    ids: Sequence[str] = ()

    def parameters(self) -> dict[str, Any]:
        about = [str(self.contact_id), *self.ids, *self.addresses]
        return {**vars(self), "texts": [each.encode() for each in about], "contact_text": str(self.contact_id)}


def _rows(table: str, order: str = "id", without: Sequence[str] = ()) -> str:
    left_out = "".join(f" - '{name}'" for name in ("org_id", *without))
    return f"SELECT to_jsonb(t){left_out} FROM {table} t WHERE contact_id = :contact_id ORDER BY {order}"  # noqa: S608


def _of_messages(table: str, joined: str, order: str, without: Sequence[str] = ()) -> str:
    left_out = "".join(f" - '{name}'" for name in ("org_id", *without))
    join = f"JOIN message ON {joined} WHERE message.contact_id = :contact_id"
    return f"SELECT to_jsonb(t){left_out} FROM {table} t {join} ORDER BY {order}"  # noqa: S608 - names of ours


RECIPIENT = "(message.content_id, message.recipient_number) = ({0}.content_id, {0}.recipient_number)"
OWN = "message.contact_id = :contact_id"
# What came from the address before it was a contact's is the person's too.
WROTE = """org_id = :org_id AND (contact_id = :contact_id
    OR contact_id IS NULL AND from_address = ANY(CAST(:addresses AS text[])))"""
CODE = "~ '^[a-z_]+(: [a-z_]+)?$'"
"""Reasons that are words of ours stay. Others can quote a text."""

# The click stays and is counted, but nobody knows any more from where and with what it was made: it moves to the empty value.
FORGET_METADATA = f"""
WITH gone AS (
    DELETE FROM click_metadata metadata USING click
    WHERE click.contact_id = :contact_id AND click.org_id = :org_id AND metadata.click_id = click.id
    RETURNING click.id, click.contact_id, click.verdict, link_id, campaign_id, sequence_id, country, region, city,
        device_type, browser, os
), scoped AS (
    SELECT gone.*, scopes.scope, scope_id,
        EXISTS (SELECT FROM click_first first WHERE first.click_id = gone.id AND first.contact_id = gone.contact_id
            AND (first.scope, first.scope_id, first.verdict) = (scopes.scope, scopes.scope_id, gone.verdict))::int AS person,
        EXISTS (SELECT FROM click_first first WHERE first.click_id = gone.id AND first.contact_id = gone.contact_id
            AND (first.scope, first.scope_id, first.verdict) = ('link', link_id, gone.verdict))::int AS link_person
    FROM gone CROSS JOIN LATERAL {SCOPES} WHERE scope_id IS NOT NULL
), known AS (
    SELECT scope, scope_id, link_id, verdict, dimension, value, person, link_person
    FROM scoped CROSS JOIN LATERAL {METADATA_VALUES} WHERE value <> ''
), moved AS (
    INSERT INTO click_by AS kept (scope, scope_id, link_id, verdict, dimension, value, clicks, people, link_people)
    SELECT scope, scope_id, link_id, verdict, dimension, value, sum(sign), sum(sign * person), sum(sign * link_person) FROM (
        SELECT scope, scope_id, link_id, verdict, dimension, value, -1 AS sign, person, link_person FROM known
        UNION ALL
        SELECT scope, scope_id, link_id, verdict, dimension, '', 1, person, link_person FROM known
    ) AS change
    GROUP BY scope, scope_id, link_id, verdict, dimension, value ORDER BY scope, scope_id, link_id, verdict, dimension, value
    ON CONFLICT (scope, scope_id, link_id, verdict, dimension, value) DO UPDATE SET clicks = kept.clicks + excluded.clicks,
        people = kept.people + excluded.people, link_people = kept.link_people + excluded.link_people
)
SELECT count(*) FROM gone
"""  # noqa: S608 - made of constants

REMOVE_EMPTY = """
DELETE FROM click_by kept USING click
WHERE click.contact_id = :contact_id AND kept.link_id = click.link_id AND kept.clicks = 0
"""

PERSONAL_DATA = (
    PersonalData(
        "message",
        _rows("message"),
        f"""
        UPDATE message SET to_address = NULL, subject = NULL, body = NULL, html = NULL, unsubscribe_url = NULL,
            provider_id = NULL, state = CASE state WHEN 'planned' THEN 'skipped' ELSE state END,
            reason = CASE WHEN state = 'planned' THEN 'contact_erased' WHEN reason {CODE} THEN reason
                WHEN reason IS NOT NULL THEN 'erased' END, facts = facts - 'audience'
        WHERE {OWN} AND (num_nonnulls(to_address, subject, body, html, unsubscribe_url, provider_id) > 0 OR state = 'planned'
            OR NOT reason {CODE} OR jsonb_exists(facts, 'audience'))
        """,  # noqa: S608 - conditions of ours
        "state, times, content and report",
    ),
    PersonalData(
        "message_report",
        _of_messages("message_report", "message.id = t.message_id", "t.id", ["address_hash"]),
        f"""
        UPDATE message_report report SET detail = NULL, address_hash = NULL FROM message
        WHERE {OWN} AND report.message_id = message.id AND num_nonnulls(detail, address_hash) > 0
        """,  # noqa: S608
        "kind, code and times",
    ),
    PersonalData(
        "personal_link",
        _of_messages("personal_link", RECIPIENT.format("t"), "t.content_id, t.recipient_number, t.position"),
        f"DELETE FROM personal_link link USING message WHERE {OWN} AND {RECIPIENT.format('link')}",  # noqa: S608
    ),
    PersonalData(
        "simulator_inbox",
        _of_messages("simulator_inbox", "message.id = t.message_id", "t.id"),
        f"DELETE FROM simulator_inbox inbox USING message WHERE {OWN} AND inbox.message_id = message.id",  # noqa: S608
    ),
    PersonalData(
        "inbound_message",
        f"SELECT to_jsonb(t) - 'org_id' FROM inbound_message t WHERE {WROTE} ORDER BY id",  # noqa: S608
        f"""
        UPDATE inbound_message SET from_address = NULL, to_address = NULL, body = NULL, answer = NULL
        WHERE {WROTE} AND num_nonnulls(from_address, to_address, body, answer) > 0
        """,  # noqa: S608
        "meaning and times",
    ),
    PersonalData("event", _rows("event", "at, id"), "DELETE FROM event WHERE contact_id = :contact_id"),
    PersonalData(
        "enrollment",
        _rows("enrollment"),
        """
        UPDATE enrollment SET variables = '{}', stop_reason = CASE WHEN stop_reason IS NOT NULL THEN :why END,
            outcome = CASE WHEN outcome = stop_reason THEN :why ELSE outcome END
        WHERE contact_id = :contact_id AND (variables <> '{}' OR stop_reason <> :why)
        """,
        "sequence, state, times and outcome",
    ),
    PersonalData(
        "firing",
        _rows("firing"),
        """
        UPDATE firing SET last_error = NULL, finished_at = coalesce(finished_at, now())
        WHERE contact_id = :contact_id AND (finished_at IS NULL OR last_error IS NOT NULL)
        """,
        "trigger and times",
    ),
    PersonalData(
        "firing_action",
        """
        SELECT to_jsonb(t) FROM firing_action t JOIN firing ON firing.id = firing_id
        WHERE contact_id = :contact_id ORDER BY firing_id, position
        """,
        f"""
        UPDATE firing_action action SET detail = '{{}}', reason = CASE WHEN reason {CODE} THEN reason
            WHEN reason IS NOT NULL THEN 'erased' END
        FROM firing WHERE contact_id = :contact_id AND firing.id = firing_id AND (detail <> '{{}}' OR NOT reason {CODE})
        """,  # noqa: S608
        "kind, outcome and times",
    ),
    PersonalData(
        "notification_item",
        _rows("notification_item"),
        "DELETE FROM notification_item WHERE contact_id = :contact_id AND org_id = :org_id",
    ),
    PersonalData(
        "click_inbox",
        _of_messages("click_inbox", RECIPIENT.format("t"), "t.id"),
        f"""
        UPDATE click_inbox inbox SET ip = NULL, user_agent = NULL FROM message
        WHERE {OWN} AND {RECIPIENT.format("inbox")} AND num_nonnulls(ip, user_agent) > 0
        """,  # noqa: S608
        "link, time and verdict",
    ),
    PersonalData(
        "click_metadata",
        """
        SELECT to_jsonb(click) - 'org_id' || coalesce(to_jsonb(t) - 'org_id', '{}') FROM click
        LEFT JOIN click_metadata t ON t.click_id = click.id WHERE click.contact_id = :contact_id ORDER BY click.id
        """,
        FORGET_METADATA,
        "the clicks themselves: link, time and verdict",
    ),
    PersonalData(
        "click_correction",
        """
        SELECT to_jsonb(t) - 'org_id' FROM click_correction t JOIN click ON click.id = t.click_id
        WHERE click.contact_id = :contact_id ORDER BY t.id
        """,
        """
        UPDATE click_correction correction SET note = NULL FROM click
        WHERE click.contact_id = :contact_id AND correction.click_id = click.id AND note IS NOT NULL
        """,
        "verdicts and times",
    ),
    PersonalData(
        "suppression",
        """
        SELECT to_jsonb(t) - 'org_id' - 'address_hash' FROM suppression t
        WHERE org_id = :org_id AND address_hash = ANY(CAST(:hashes AS bytea[])) ORDER BY id
        """,
        """
        UPDATE suppression SET address = NULL, detail = NULL, lift_reason = CASE WHEN lift_reason IS NOT NULL THEN 'erased' END
        WHERE org_id = :org_id AND (address_hash = ANY(CAST(:hashes AS bytea[]))
            OR message_id IN (SELECT id FROM message WHERE contact_id = :contact_id))
            AND (num_nonnulls(address, detail) > 0 OR lift_reason <> 'erased')
        """,
        "a hash of the address, so that it stays suppressed",
    ),
    PersonalData("consent", _rows("consent", "given_at, id"), "DELETE FROM consent WHERE contact_id = :contact_id"),
    PersonalData(
        "contact_import",
        None,
        """
        UPDATE contact_import SET errors = (
            SELECT coalesce(jsonb_agg(error), '[]') FROM jsonb_array_elements(errors) AS error
            WHERE error ->> 'contact_id' IS DISTINCT FROM :contact_text)
        WHERE org_id = :org_id AND errors @> jsonb_build_array(jsonb_build_object('contact_id', CAST(:contact_text AS text)))
        """,
        "the import, without the errors that name the contact",
    ),
    PersonalData(
        "idempotency_key",
        None,
        """
        UPDATE idempotency_key SET body = '{}' WHERE org_id = :org_id AND EXISTS (
            SELECT FROM unnest(CAST(:texts AS bytea[])) AS given (part) WHERE position(given.part IN body) > 0)
        """,
        "the key, with an empty answer",
    ),
    PersonalData(
        "contact",
        "SELECT to_jsonb(t) - 'org_id' FROM contact t WHERE id = :contact_id",
        """
        UPDATE contact SET external_id = NULL, email = NULL, phone = NULL, first_name = NULL, last_name = NULL, time_zone = NULL,
            tags = '{}', properties = '{}', updated_at = now(), erased_at = coalesce(erased_at, now())
        WHERE id = :contact_id AND (erased_at IS NULL OR tags <> '{}' OR properties <> '{}'
            OR num_nonnulls(external_id, email, phone, first_name, last_name, time_zone) > 0)
        """,
        "its id",
    ),
)

WHY = "the contact was erased"


async def export_rows(session: AsyncSession, whose: Whose) -> dict[str, list[Any]]:
    """Returns everything that is known of the contact, by table."""
    found = {}
    for each in PERSONAL_DATA:
        if each.export is not None:
            found[each.table] = list(await session.scalars(text(each.export), _used(each.export, whose)))
    return found


async def erase_rows(session: AsyncSession, whose: Whose) -> dict[str, int]:
    """Removes what the entries say. Returns for each table in how many rows something was removed."""
    removed = {}
    for each in PERSONAL_DATA:
        done = await session.execute(text(each.erase), _used(each.erase, whose))
        removed[each.table] = done.scalar_one() if done.returns_rows else done.rowcount  # type: ignore[attr-defined]
    await session.execute(text(REMOVE_EMPTY), {"contact_id": whose.contact_id})
    return removed


def _used(statement: str, whose: Whose) -> dict[str, Any]:
    given = {**whose.parameters(), "why": WHY}
    return {name: value for name, value in given.items() if f":{name}" in statement}
