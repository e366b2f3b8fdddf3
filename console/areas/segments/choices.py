"""What a condition about messages can be about: campaigns, sequences, and what is chosen already."""

from typing import Any

from console.areas.segments.tree import Rule
from console.page import Page

NEWEST = 40


async def abouts(page: Page, root: Rule) -> dict[str, Any]:
    """Returns `campaigns` and `sequences` as lists of value and name, `others` for what else the rules name, and the names of
    the links of each (`links`)."""
    chosen = {rule.values["about"] for rule in root.walk() if rule.values.get("about")}
    lists = await page.together(
        campaign=page.api.get("/campaigns", limit=NEWEST), sequence=page.api.get("/sequences", limit=NEWEST)
    )
    shown = {f"{kind}:{each['id']}": each for kind, found in lists.items() for each in found["items"]}
    for value in sorted(chosen - shown.keys()):
        kind, _, id = value.partition(":")
        if kind in lists and (found := await page.maybe(page.api.get(f"/{kind}s/{id}"), 404, 422)):
            shown[value] = found
    return {
        "campaigns": [(value, each["name"]) for value, each in shown.items() if value.startswith("campaign:")],
        "sequences": [(value, each["name"]) for value, each in shown.items() if value.startswith("sequence:")],
        "others": [
            (value, "one link" if value.startswith("link:") else "something that is gone") for value in chosen - shown.keys()
        ],
        "links": {value: _names(each) for value, each in shown.items() if value in chosen},
    }


def _names(owner: dict[str, Any]) -> list[str]:
    return sorted({each["name"] for each in owner.get("links", []) if each["name"]})
