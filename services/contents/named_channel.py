"""Which channel a text of a campaign, a step or an action is sent by, and what is wrong with its name."""

from collections.abc import Iterator, Mapping

from models.channels.channel import Channel
from models.errors import FieldError


def named_channel_errors(channels: Mapping[str, Channel], name: str, field: str) -> Iterator[FieldError]:
    """Refuses a channel that there is not, and one that is archived. `channels` are all of the organization, by name."""
    channel = channels.get(name)
    known = ", ".join(each for each, found in channels.items() if found.archived_at is None) or "none"
    if channel is None:
        yield FieldError(field, f"There is no channel named '{name}'; known channels: {known}.")
    elif channel.archived_at is not None:
        yield FieldError(field, f"The channel '{name}' is archived and sends nothing any more; choose one of: {known}.")
