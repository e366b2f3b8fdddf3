"""A channel's settings between their model and their row: secrets are encrypted apart from the rest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import SecretStr, ValidationError

from models.base import now
from models.channels.channel import Channel, Medium
from models.errors import FieldError, Invalid
from models.field_errors import field_errors
from services.channels.base import Config, Configured, Outside
from services.channels.registry import CHANNEL_TYPES
from services.judging.judge import Judge
from services.secrets.secrets import Place, Secrets, Undecipherable
from services.way_out.errors import RefusedAddress, WayOutError


def secrets_place(org_id: UUID, channel_id: UUID) -> Place:
    return Place("channel.secrets", org_id, channel_id)


def write_config(channel: Channel, config: Config, secrets: Secrets) -> None:
    """Puts the settings into the row. Whatever is None is left out. A field that holds a secret somewhere, such as the values of
    a mapping, is encrypted as a whole."""
    values = {name: value for name in type(config).model_fields if (value := getattr(config, name)) is not None}
    hidden = {name: _revealed(value) for name, value in values.items() if _has_secret(value)}
    channel.config = config.model_dump(mode="json", exclude=set(hidden), exclude_none=True)
    place = secrets_place(channel.org_id, channel.id)
    channel.secrets = secrets.encrypt(json.dumps(hidden), place) if hidden else None
    channel.updated_at = now()


def read_config(channel: Channel, secrets: Secrets) -> Configured:
    """Raises Undecipherable when the key of its secrets is missing."""
    config = CHANNEL_TYPES[channel.kind].config.model_validate(channel.config | read_secrets(channel, secrets))
    return Configured(channel.id, channel.org_id, channel.name, channel.medium, config)


def read_secrets(channel: Channel, secrets: Secrets) -> dict[str, Any]:
    """Returns the secrets that are set, by the names of their fields. Raises Undecipherable."""
    if channel.secrets is None:
        return {}
    found: dict[str, Any] = json.loads(secrets.decrypt(channel.secrets, secrets_place(channel.org_id, channel.id)))
    return found


def changed_config(channel: Channel, given: Mapping[str, Any], secrets: Secrets) -> Config:
    """Returns the settings with those that are given; a given null removes one. Secrets that cannot be decrypted any more count
    as not set. Raises Invalid with the fields that are wrong then, as `config.host`."""
    try:
        kept = channel.config | read_secrets(channel, secrets)
    except Undecipherable:
        kept = channel.config
    values = {name: value for name, value in {**kept, **given}.items() if value is not None}
    try:
        changed = CHANNEL_TYPES[channel.kind].config.model_validate(values)
    except ValidationError as error:
        listed = error.errors(include_input=False, include_url=False)
        found = field_errors([{**each, "loc": ("config", *each["loc"])} for each in listed], "config")
        raise Invalid("The settings of the channel cannot be used.", found) from None
    _check_new_hosts(kept, changed, sorted((changed.SENT & kept.keys()) - given.keys()))
    return changed


def _check_new_hosts(before: Mapping[str, Any], changed: Config, secrets: Sequence[str]) -> None:
    """Raises Invalid when a host that is new would get one of these secrets, which were given for another: whoever may change an
    address could read them there. `before` are the settings as they were."""
    try:
        known = {(host.name, host.port, host.secure) for host in type(changed).model_validate(before).hosts()}
    except ValidationError:
        known = set()
    if secrets and any((host.name, host.port, host.secure) not in known for host in changed.hosts()):
        errors = [FieldError(f"config.{name}", "The host changes: give this secret again, for the new one.") for name in secrets]
        raise Invalid("A new host gets no secret that was given for another.", errors)


async def config_errors(channel: Channel, config: Config, outside: Outside, judge: Judge) -> list[FieldError]:
    """Returns the faults that can be seen without sending: a pace that the medium cannot have, hosts that may not be reached, and
    what the kind judges itself. A host that has no address now can be saved, because its test says so."""
    misfits = config.pace.misfits(Medium(channel.medium)) if config.pace else {}
    errors = [FieldError(f"config.pace.{name}", message) for name, message in misfits.items()]
    for host in config.hosts():
        try:
            await outside.way_out.check(host.name, host.port, secure=host.secure)
        except RefusedAddress as error:
            errors.append(FieldError(f"config.{host.field}", str(error)))
        except WayOutError:
            pass
    own = CHANNEL_TYPES[channel.kind].judge
    return [*errors, *(await own(judge, channel.org_id, config) if own else [])]


def _has_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_secret(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_has_secret(each) for each in value)
    return isinstance(value, SecretStr)


def _revealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _revealed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(each) for each in value]
    return value.get_secret_value() if isinstance(value, SecretStr) else value
