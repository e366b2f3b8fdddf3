"""What all pages of one sequence show above their own: its name, state, version and tabs."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.page import Page
from console.refused import NOT_FOUND
from console.words import steps as words
from console.words.triggers import trigger_words


@dataclass(frozen=True)
class Shown:
    """`numbers` are the analytics, of all versions or of `version`. `inside` are the people who are in it now, and `entered` all
    who have come in, in all versions; `published_at` is when the version that takes people in was published."""

    sequence: dict[str, Any]
    numbers: dict[str, Any]
    version: int | None

    @property
    def inside(self) -> int:
        return sum(number for each in self.numbers["versions"] for number in _active(each["enrollments"]))

    @property
    def entered(self) -> int:
        return sum(each["entered"] for each in self.numbers["versions"])

    @property
    def states(self) -> list[tuple[str, int]]:
        """What became of those who entered, of all or of `version`: with the numbers of these states they are whole again."""
        counts = self.numbers["enrollments"]
        inside = sum(_active(counts))
        return [("running", inside), *((state, counts.get(state, 0)) for state in ("completed", "stopped", "failed"))]

    @property
    def published_at(self) -> str | None:
        return next(
            (each["published_at"] for each in self.numbers["versions"] if each["version"] == self.sequence["version"]), None
        )


def _active(by_state: dict[str, int]) -> list[int]:
    return [by_state.get(state, 0) for state in ("queued", "running")]


def inside(by_state: dict[str, int]) -> int:
    """The enrollments that are not over."""
    return sum(_active(by_state))


def asked_version(page: Page) -> int | None:
    """`?version=` of the address; None for all of them together. Raises Refused for what is no number."""
    given = page.query("version")
    if given and not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise NOT_FOUND
    return int(given) if given else None


async def one(page: Page, version: int | None = None) -> Shown:
    """Raises ApiProblem for a sequence, or a version, that is not there."""
    sequence_id = page.path("sequence_id")
    sequence, numbers = await asyncio.gather(
        page.api.get(f"/sequences/{sequence_id}"), page.api.get(f"/sequences/{sequence_id}/analytics", version=version)
    )
    return Shown(sequence, numbers, version)


async def triggers_of(page: Page, version: int | None = None) -> list[dict[str, Any]]:
    """The triggers of all published versions, or of one, with what they did and their words."""
    found = await page.api.get(f"/sequences/{page.path('sequence_id')}/triggers", version=version, limit=200)
    return [trigger_words(each) for each in found["items"]]


def taken_out(triggers: Iterable[Mapping[str, Any]]) -> int:
    """How many people left because a trigger took them out. They count among those who were stopped."""
    return sum(action["done"] for each in triggers for action in each["actions"] if action["kind"] == "leave")


async def steps_of(page: Page, sequence: dict[str, Any], version: int | None) -> list[dict[str, Any]]:
    """The steps of a published version, by default of the one that takes people in; none for a draft."""
    number = version or sequence["version"]
    if number is None:
        return []
    if number == sequence["version"] and not sequence["unpublished_changes"]:
        return list(sequence["steps"])
    return list((await page.api.get(f"/sequences/{sequence['id']}/versions/{number}"))["steps"])


async def media(page: Page) -> words.Media:
    """The medium of each channel by its name."""
    return {each["name"]: each["medium"] for each in (await page.api.get("/channels", limit=500))["items"]}
