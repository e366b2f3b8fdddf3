"""What the fields of a step can name: what the organization has, and the steps and links of the draft itself."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.areas.sequences.draft import Draft
from console.areas.sequences.step_forms import Field
from console.page import Page
from console.words import steps as words

Options = list[tuple[str, str]]
LONGEST = 63
"""Letters of a key or the name of a link. The API has no longer ones, so they are not offered."""
MOST_LINKS = 32
"""Links of one message that are offered. The API takes no more."""
SHORT = 60
"""Letters of a choice that names something else than it means."""


@dataclass(frozen=True)
class Choices:
    """`lists` are what can be chosen, by the `source` of a field. `keys` are those of the steps, in their order."""

    lists: Mapping[str, Options]
    keys: Sequence[str]
    media: words.Media

    def of(self, field: Field, value: str, index: int | None = None) -> Options:
        """What the field of the step at this place offers. What it names already is among it in any case."""
        known = field.source if not isinstance(field.source, str) else self.lists.get(field.source, [])
        empty = self._below(index) if field.kind == "next" else field.empty
        offered = [*([("", empty)] if empty else []), *known]
        if value in (each for each, _ in offered):
            return offered
        missing = f"{value[:SHORT]}, not there" if field.kind in ("step", "next", "link") else value[:SHORT]
        return [(value, missing if value else "Choose one"), *offered]

    def _below(self, index: int | None) -> str:
        below = self.keys[index + 1 : index + 2] if index is not None else []
        return f"The step below: {below[0][:SHORT]}" if below else "Nothing: the sequence ends"


async def choices(page: Page, draft: Draft, channels: list[dict[str, Any]] | None = None) -> Choices:
    """Lists that no step needs are not asked for."""
    kinds = {str(step.get("kind")) for step in draft.steps if isinstance(step, Mapping)}
    sequences = page.api.get("/sequences", limit=100) if kinds & {"enroll", "stop_other"} else _nothing()
    targets = page.api.get("/notification-targets", limit=100) if "notify" in kinds else _nothing()
    found = await asyncio.gather(sequences, targets, channels_of(page) if channels is None else _nothing())
    senders: list[dict[str, Any]] = found[2] if channels is None else channels
    media = {each["name"]: each["medium"] for each in senders}
    return Choices(
        {
            "channels": [(name, f"{name}, {'SMS' if medium == 'sms' else 'e-mail'}") for name, medium in media.items()],
            "sequences": [(each["id"], each["name"]) for each in found[0]["items"]],
            "targets": [(each["name"], f"{each['name']}, {each['service']}") for each in found[1]["items"]],
            "kinds": [
                ("marketing", f"Marketing: {page.who_gets_marketing()}"),
                ("transactional", "Transactional: what they expect"),
            ],
            "steps": _steps(draft, media),
            "links": _links(draft),
        },
        [draft.key_of(index) or "…" for index in range(len(draft.steps))],
        media,
    )


async def channels_of(page: Page) -> list[dict[str, Any]]:
    """Those that send."""
    return [each for each in (await page.api.get("/channels", limit=100))["items"] if not each["archived_at"]]


async def _nothing() -> dict[str, Any]:
    return {"items": []}


def _steps(draft: Draft, media: words.Media) -> Options:
    found = [(draft.key_of(index), step) for index, step in enumerate(draft.steps)]
    return _once((key, f"{key}: {words.does(step, media)[:SHORT]}") for key, step in found if isinstance(step, Mapping))


def _links(draft: Draft) -> Options:
    """The links of all messages, with the step that sends each first."""
    links = [(index, name) for index in range(len(draft.steps)) for name in draft.links_of(index)[:MOST_LINKS]]
    return _once((name, f"{name}, in {draft.key_of(index)[:SHORT]}") for index, name in links)


def _once(options: Iterable[tuple[str, str]]) -> Options:
    found = dict[str, str]()
    for value, word in options:
        if 0 < len(value) <= LONGEST:
            found.setdefault(value, word)
    return list(found.items())
