"""Who is meant by what somebody typed: the strongest key that finds a contact decides, as everywhere (`docs/contacts.md`)."""

from typing import Any
from uuid import UUID

from console.areas.contacts.country import country_of
from console.page import Page

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


def _is_id(typed: str) -> bool:
    try:
        return str(UUID(typed)) == typed.lower()
    except ValueError:
        return False
