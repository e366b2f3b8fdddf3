"""Who is meant by what somebody typed: the strongest key that finds a contact decides, as everywhere (`docs/contacts.md`)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from console.areas.contacts.country import country_of
from console.page import Page

MOST_SHOWN = 80
"""Characters of what somebody typed that are said back."""
KEYS = ("external_id", "email", "phone")


async def named_people(page: Page, typed: str) -> list[dict[str, Any]]:
    """Returns the contact with this external id, else with this e-mail address, else with this phone number, else with this id.
    The list is empty when nobody has it. It has two when several share the mailbox, or when it is the id of one and the external
    id of another. A number without a country code is dialled in the organization's country."""
    own = await page.maybe(page.api.get(f"/contacts/{typed}")) if _is_id(typed) else None
    for key in KEYS:
        country = country_of(page.times.zone_name) if key == "phone" else None
        found = await page.maybe(page.api.get("/contacts", **{key: typed}, default_country=country, limit=2), 422)
        if found and found["items"]:
            return list({each["id"]: each for each in [*found["items"], *([own] if own else [])]}.values())
    return [own] if own else []


def not_found(typed: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Why `named_people` has not found one person, and what works instead."""
    name = typed if len(typed) <= MOST_SHOWN else f"{typed[:MOST_SHOWN]}…"
    if found:
        return f"“{name}” is more than one person: write the external id or the phone number of the one who is meant."
    if re.fullmatch(r"(?!00)[\d\s()/.-]{5,}", typed):
        return f"Nobody is found as “{name}”. Of a phone number, write the country code too, such as +49 151 12345678."
    if re.fullmatch(r"[^\d@_]+", typed):
        return f"Nobody is found as “{name}”. Write an e-mail address, a number or an external id: names are not looked for."
    return f"Nobody is found as “{name}”."


def _is_id(typed: str) -> bool:
    try:
        return str(UUID(typed)) == typed.lower()
    except ValueError:
        return False
