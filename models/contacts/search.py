"""Finds contacts by the beginning of a name, an address, a number or an external id, or by a tag."""

import re
from uuid import UUID

import phonenumbers
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST_OF_A_KIND = 100
"""So many are looked at in each index: somebody who finds more types another letter."""
_DIALLED = re.compile(r"\+?[0-9 ().\-/]+")
_LAST = chr(0x10FFFF)
"""Sorts after every character, byte by byte."""

FULL_NAME = "lower((COALESCE({}, '') || ' ') || COALESCE({}, ''))"
FIRST_NAME_FIRST, LAST_NAME_FIRST = FULL_NAME.format("first_name", "last_name"), FULL_NAME.format("last_name", "first_name")
HAS_NAME = "num_nonnulls(first_name, last_name) > 0"
"""Both orders of a name have an index each, over those who have one, byte by byte (`text_pattern_ops`) in every database."""

# Each part reads a few rows of one index, in its order.
KEY_BEGINS = """
    (SELECT id FROM contact WHERE org_id = :org_id AND {key} >= :{text} AND {key} < (:{text} || :last) AND {key} IS NOT NULL
        ORDER BY {key} LIMIT {rows})
"""
NAME_BEGINS = """
    (SELECT id FROM contact WHERE org_id = :org_id AND {name} ~>=~ lower(:text) AND {name} ~<~ (lower(:text) || :last) AND {given}
        ORDER BY {name} USING ~<~ LIMIT {rows})
"""
TAGGED = """
    (SELECT contact_id AS id FROM contact_tag WHERE org_id = :org_id AND tag = :written
        ORDER BY contact_id DESC LIMIT {rows})
"""


async def find_contacts(session: AsyncSession, org_id: UUID, wanted: str, country: str | None) -> list[UUID]:
    """Returns at most `MOST_OF_A_KIND` ids for each thing that can begin so, in no order. `wanted` is plain text; `country` is
    where a number without a country code is dialled."""
    phones = {f"phone_{place}": each for place, each in enumerate(phone_beginnings(wanted, country))}
    keys = [("email", "text"), ("external_id", "written"), *(("phone", name) for name in phones)]
    parts = [
        *(KEY_BEGINS.format(key=key, text=words, rows=MOST_OF_A_KIND) for key, words in keys),
        *(NAME_BEGINS.format(name=name, given=HAS_NAME, rows=MOST_OF_A_KIND) for name in (FIRST_NAME_FIRST, LAST_NAME_FIRST)),
        TAGGED.format(rows=MOST_OF_A_KIND),
    ]
    values = {"org_id": org_id, "text": wanted.lower().replace(",", ""), "written": wanted, "last": _LAST, **phones}
    return list(dict.fromkeys(await session.scalars(text(" UNION ALL ".join(parts)), values)))


def phone_beginnings(wanted: str, country: str | None) -> list[str]:
    """Returns how a number in E.164 may begin of which this was typed: `0412 00` in Norway is `+4741200`."""
    digits = re.sub(r"\D", "", wanted)
    if len(digits) < 3 or not _DIALLED.fullmatch(wanted):
        return []
    if wanted.startswith("+"):
        return [f"+{digits}"]
    if digits.startswith("00"):
        return [f"+{digits[2:]}"]
    code = phonenumbers.country_code_for_region(country) if country else 0
    return [f"+{digits}", *([f"+{code}{digits.lstrip('0')}"] if code else [])]
