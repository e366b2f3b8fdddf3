"""What the fields of a step can name: what the organization has, and the steps and links of the draft itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.areas.sequences.draft import Draft
from console.areas.sequences.step_forms import Field
from console.forms.offered import MOST, PATHS, Offered, Options, offered
from console.page import Page
from console.words import steps as words

NEEDED_BY = {"sequences": ("enroll", "stop_other"), "targets": ("notify",), "segments": ("triggers",)}
"""Words of a draft without which a list is not needed."""
NOTHING: Mapping[str, Any] = {"items": []}
MEDIA = {"sms": "SMS", "email": "e-mail"}
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
    offered: Offered

    @property
    def media(self) -> words.Media:
        return self.offered.media

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
    """`channels` are all channels, when they are known already. Lists that nothing in the draft needs are not asked for."""
    needed = [name for name, words in NEEDED_BY.items() if draft.unfinished or any(word in draft.text for word in words)]
    found = await page.together(
        **{name: page.api.get(PATHS[name], limit=MOST) for name in needed},
        channels=all_channels(page) if channels is None else _known(channels),
    )
    found["channels"] = {"items": found["channels"]}
    offers = Offered(**offered(found))
    return Choices(
        {
            "channels": [(each["name"], f"{each['name']}, {MEDIA[each['medium']]}") for each in offers.channels],
            "sequences": [(each["id"], each["name"]) for each in found.get("sequences", NOTHING)["items"]],
            "targets": offers.targets,
            "kinds": [
                ("marketing", f"Marketing: {page.who_gets_marketing()}"),
                ("transactional", "Transactional: what they expect"),
            ],
            "steps": _steps(draft, offers.media),
            "links": _links(draft),
        },
        [draft.key_of(index) or "…" for index in range(len(draft.steps))],
        offers,
    )


async def all_channels(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await page.api.get("/channels", limit=MOST))["items"]
    return found


async def _known(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return channels


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
