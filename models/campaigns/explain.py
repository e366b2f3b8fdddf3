"""Which rule of a campaign's audience one contact fits now, or which one it does not fit, with the contact's value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.audience import definitions_now
from models.campaigns.campaign import Campaign
from models.contacts.contact import Contact
from models.segments.definition import AnyOf, Condition, NotOf, as_json, read_definition
from models.segments.kinds.base import Leaf
from models.segments.limits import limited
from models.segments.values import Values

SHORT = 20
"""Entries of a list that an answer shows."""


@dataclass(frozen=True)
class Fit:
    """`fits` says whether the contact is in the audience. `part` is the list of the audience that decides: `tags`, `contact_ids`,
    `segment_ids`, `exclude_tags` or `exclude_segment_ids`, and None for a contact that is in none of the lists. `condition` is
    the condition that decides, at `path` of the definition of the segment, and `value` what the contact has there."""

    fits: bool
    part: str | None = None
    tag: str | None = None
    segment_id: UUID | None = None
    path: str | None = None
    condition: Mapping[str, Any] | None = None
    value: Any = None


async def explain_audience(session: AsyncSession, campaign: Campaign, contact: Contact) -> Fit:
    """Asks about one contact in one statement, which has an end."""
    audience = campaign.audience
    segments = campaign.segments
    if segments is None:
        segments = await definitions_now(session, campaign.org_id, audience)
    asked = {
        (which, each): read_definition(segments[each])
        for which in ("exclude_segment_ids", "segment_ids")
        for each in audience.get(which, ())
        if each in segments
    }
    answers = await _ask(session, campaign, contact, asked)
    excluded = next((tag for tag in audience.get("exclude_tags", ()) if tag in contact.tags), None)
    if excluded is not None:
        return Fit(False, "exclude_tags", tag=excluded, value=_short(contact.tags))
    for (which, each), definition in asked.items():
        if which == "exclude_segment_ids" and answers[which, each, ""]:
            return _decided(False, which, each, definition, answers, contact)
    wanted = next((tag for tag in audience.get("tags", ()) if tag in contact.tags), None)
    if wanted is not None:
        return Fit(True, "tags", tag=wanted, value=_short(contact.tags))
    if str(contact.id) in audience.get("contact_ids", ()):
        return Fit(True, "contact_ids")
    first: Fit | None = None
    for (which, each), definition in asked.items():
        if which == "segment_ids":
            fit = _decided(bool(answers[which, each, ""]), which, each, definition, answers, contact)
            if fit.fits:
                return fit
            first = first or fit
    if first is not None:
        return first
    part = "tags" if audience.get("tags") else None
    return Fit(False, part, value=_short(contact.tags) if part else None)


Answers = Mapping[tuple[str, str, str], bool]


async def _ask(
    session: AsyncSession, campaign: Campaign, contact: Contact, asked: Mapping[tuple[str, str], Condition]
) -> Answers:
    values = Values(campaign.org_id, campaign.launched_at or now())
    values.parameters["contact_id"] = contact.id
    columns = [
        ((which, each, path), condition.sql(values))
        for (which, each), definition in asked.items()
        for path, condition in _all(definition, "")
    ]
    if not columns:
        return {}
    shown = ", ".join(f"({condition}) AS c{place}" for place, (_, condition) in enumerate(columns))
    statement = text(f"SELECT {shown} FROM contact WHERE contact.id = :contact_id")  # noqa: S608 - conditions of ours
    async with limited(session, {}):
        row = (await session.execute(statement, values.parameters)).one()
    return {key: bool(answer) for (key, _), answer in zip(columns, row, strict=True)}


def _all(definition: Condition, path: str) -> Iterator[tuple[str, Condition]]:
    """The definition and all conditions in it, with their paths."""
    yield path, definition
    if not isinstance(definition, Leaf):
        for place, inner in definition.within():
            yield from _all(inner, f"{path}.{place}" if path else place)


def _decided(fits: bool, which: str, segment: str, definition: Condition, answers: Answers, contact: Contact) -> Fit:
    """Follows the conditions to the first one that decides the answer of the whole segment."""
    path, here = "", definition
    while not isinstance(here, Leaf):
        answer = answers[which, segment, path]
        inner = [(f"{path}.{place}" if path else place, each) for place, each in here.within()]
        if isinstance(here, NotOf):
            path, here = inner[0]
            continue
        decides = answer if isinstance(here, AnyOf) else not answer
        same = answer if decides else None
        path, here = next(((at, each) for at, each in inner if same is None or answers[which, segment, at] == same), inner[0])
    return Fit(fits, which, segment_id=UUID(segment), path=path or None, condition=as_json(here), value=_value(here, contact))


def _value(condition: Condition, contact: Contact) -> Any:
    kind = getattr(condition, "kind", None)
    if kind == "tags":
        return _short(contact.tags)
    if kind == "property":
        return contact.properties.get(getattr(condition, "name", ""))
    if kind == "field":
        return getattr(contact, getattr(condition, "name", ""), None)
    return contact.created_at.isoformat() if kind == "created_at" else None


def _short(entries: Sequence[str]) -> list[str]:
    return list(entries[:SHORT])
