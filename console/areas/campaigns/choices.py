"""What the editor of a campaign offers to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.forms.offered import MOST, Offered, Options, calls, offered
from console.page import Page

PEOPLE = 8
NAMED = 10
"""How many people a preview is offered as, and how many of the named contacts are shown by name."""


@dataclass(frozen=True)
class Choices(Offered):
    """`named` are the contacts of the audience that are shown by name, by their ids."""

    domains: Options
    people: list[Mapping[str, Any]]
    named: Mapping[str, Mapping[str, Any]]


async def choices(page: Page, contact_ids: Sequence[str] = ()) -> Choices:
    """Asks for everything at once."""
    named = list(dict.fromkeys(contact_ids))[:NAMED]
    found = await page.together(
        **calls(page),
        domains=page.api.get("/organization/link-domains", limit=MOST),
        people=page.api.get("/contacts", limit=PEOPLE),
        **{f"contact {each}": page.maybe(page.api.get(f"/contacts/{each}"), 404, 422) for each in named},
    )
    return Choices(
        **offered(found),
        domains=[(f"https://{each['host']}", each["host"]) for each in found["domains"]["items"] if each["held_since"]],
        people=found["people"]["items"],
        named={each: found[f"contact {each}"] for each in named if found[f"contact {each}"] is not None},
    )
