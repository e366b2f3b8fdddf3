"""A channel's settings between their model and their row: secrets are encrypted apart from the rest."""

import json
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from models.channels.channel import Channel
from services.channels.base import Config, Configured
from services.channels.registry import CHANNEL_TYPES
from services.secrets.secrets import Place, Secrets


def secrets_place(org_id: UUID, channel_id: UUID) -> Place:
    return Place("channel.secrets", org_id, channel_id)


def write_config(channel: Channel, config: Config, secrets: Secrets) -> None:
    """Puts the settings into the row. Secrets that are None are left out."""
    values = {name: getattr(config, name) for name in type(config).model_fields}
    hidden = {name: value.get_secret_value() for name, value in values.items() if isinstance(value, SecretStr)}
    channel.config = config.model_dump(mode="json", exclude=set(hidden), exclude_none=True)
    place = secrets_place(channel.org_id, channel.id)
    channel.secrets = secrets.encrypt(json.dumps(hidden), place) if hidden else None


def read_config(channel: Channel, secrets: Secrets) -> Configured:
    """Raises Undecipherable when the key of its secrets is missing."""
    values: dict[str, Any] = dict(channel.config)
    if channel.secrets is not None:
        values |= json.loads(secrets.decrypt(channel.secrets, secrets_place(channel.org_id, channel.id)))
    config = CHANNEL_TYPES[channel.kind].config.model_validate(values)
    return Configured(channel.id, channel.org_id, channel.name, channel.medium, config)
