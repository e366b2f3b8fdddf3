"""What messages and triggers can name in a form: channels, segments, sequences and notification targets."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from console.page import Page

Options = list[tuple[str, str]]
MOST = 100
"""The most entries of one list. What a draft names already is offered in any case."""
PATHS = {
    "channels": "/channels",
    "segments": "/segments",
    "sequences": "/sequences",
    "targets": "/notification-targets",
}


@dataclass(frozen=True)
class Offered:
    """`channels` are those that send, and `media` the media of all by name. `sequences` are those that are published."""

    channels: list[Mapping[str, Any]]
    media: Mapping[str, str]
    segments: Options
    sequences: Options
    targets: Options


def calls(page: Page) -> dict[str, Awaitable[Any]]:
    """What has to be asked of the API, for `page.together`."""
    return {name: page.api.get(path, limit=MOST) for name, path in PATHS.items()}


def offered(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of an `Offered` from the answers to these calls. A list that was not asked for is empty."""
    listed = {name: found[name]["items"] if name in found else [] for name in PATHS}
    return {
        "channels": [each for each in listed["channels"] if each["archived_at"] is None],
        "media": {each["name"]: each["medium"] for each in listed["channels"]},
        "segments": [(each["id"], each["name"]) for each in listed["segments"]],
        "sequences": [(each["id"], each["name"]) for each in listed["sequences"] if each["version"] is not None],
        "targets": [(each["name"], f"{each['name']}, {each['service']}") for each in listed["targets"]],
    }
