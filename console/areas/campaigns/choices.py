"""What the editor of a campaign offers to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from console.api_calls import ApiProblem
from console.page import Page

Options = list[tuple[str, str]]
MOST = 100
"""The most entries of one list. What a draft names already is offered in any case."""
PEOPLE = 8
NAMED = 10
"""How many people a preview is offered as, and how many of the named contacts are shown by name."""


@dataclass(frozen=True)
class Choices:
    """`channels` are those that send, and `media` the media of all by name. `named` are the contacts of the audience that are
    shown by name, by their ids."""

    channels: list[Mapping[str, Any]]
    media: Mapping[str, str]
    segments: Options
    sequences: Options
    targets: Options
    domains: Options
    people: list[Mapping[str, Any]]
    named: Mapping[str, Mapping[str, Any]]


async def choices(page: Page, contact_ids: Sequence[str] = ()) -> Choices:
    """Asks for everything at once."""
    named = list(dict.fromkeys(contact_ids))[:NAMED]
    found = await page.together(
        channels=page.api.get("/channels", limit=MOST),
        segments=page.api.get("/segments", limit=MOST),
        sequences=page.api.get("/sequences", limit=MOST),
        targets=page.api.get("/notification-targets", limit=MOST),
        domains=page.api.get("/organization/link-domains", limit=MOST),
        people=page.api.get("/contacts", limit=PEOPLE),
        **{f"contact {each}": page.maybe(page.api.get(f"/contacts/{each}"), 404, 422) for each in named},
    )
    listed = {name: found[name]["items"] for name in ("channels", "segments", "sequences", "targets", "domains", "people")}
    return Choices(
        channels=[each for each in listed["channels"] if each["archived_at"] is None],
        media={each["name"]: each["medium"] for each in listed["channels"]},
        segments=[(each["id"], each["name"]) for each in listed["segments"]],
        sequences=[(each["id"], each["name"]) for each in listed["sequences"] if each["version"] is not None],
        targets=[(each["name"], f"{each['name']}, {each['service']}") for each in listed["targets"]],
        domains=[(f"https://{each['host']}", each["host"]) for each in listed["domains"] if each["held_since"]],
        people=listed["people"],
        named={each: found[f"contact {each}"] for each in named if found[f"contact {each}"] is not None},
    )


async def find_contact(page: Page, typed: str) -> str | None:
    """Returns the id of the contact with this e-mail address, phone number, external id or id."""
    for name in ("email", "phone", "external_id"):
        try:
            found = await page.api.get("/contacts", **{name: typed}, limit=1)
        except ApiProblem as problem:
            if problem.status != 422:
                raise
            continue
        if found["items"]:
            return str(found["items"][0]["id"])
    try:
        known = await page.maybe(page.api.get(f"/contacts/{UUID(typed)}"))
    except ValueError:
        return None
    return str(known["id"]) if known else None
