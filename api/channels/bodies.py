"""What callers write of a channel. Each kind of the registry has a body of its own, whose `config` is the kind's settings."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, create_model

from models.channels.channel import ChannelKind, Medium
from models.texts.text import Form, Text
from services.channels.base import ChannelType, Config
from services.channels.registry import CHANNEL_TYPES

ChannelName = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        "Write letters A-Z and a-z, digits and . _ -, beginning with a letter or a digit: 63 at most.",
    ),
]
MEDIUM = "What a contact needs: a phone number (sms) or an e-mail address (email)."
CONFIG = "The settings of this kind: docs/channels.md explains them. Secrets among them are encrypted and never shown."


class ChannelCreate(BaseModel):
    """What the bodies of all kinds share."""

    model_config = ConfigDict(extra="forbid")

    name: ChannelName = Field(
        description="What steps and campaigns call it; it never changes. Letters, digits and . _ -", examples=["news"]
    )
    kind: ChannelKind = Field(description="Who sends.")
    medium: Medium = Field(description=MEDIUM)
    config: Config = Field(description=CONFIG)


def create_body(kind: ChannelType) -> type[ChannelCreate]:
    """Returns the body for one kind. `medium` can be left out where the kind has only one, and `config` where nothing in it is
    required."""
    media, own = tuple(sorted(kind.media)), kind.config
    needs_config = any(field.is_required() for field in own.model_fields.values())
    fields: dict[str, Any] = {
        "kind": (Literal[kind.kind.value], Field(description="Who sends.")),
        "medium": (
            Literal[*(Medium(each) for each in media)],
            Field(..., description=MEDIUM) if len(media) > 1 else Field(media[0], description=MEDIUM),
        ),
        "config": (own, Field(description=CONFIG) if needs_config else Field(default_factory=own, description=CONFIG)),
    }
    name, purpose = f"{kind.kind.value.capitalize()}ChannelCreate", f"A channel of the kind `{kind.kind}`."
    return create_model(name, __base__=ChannelCreate, __doc__=purpose, **fields)


def example(kind: ChannelType) -> dict[str, Any]:
    config, medium = dict(kind.example), sorted(kind.media)[0].value
    return {"value": {"name": "news", "kind": kind.kind.value, "medium": medium, "config": config}}


if TYPE_CHECKING:
    AnyChannelCreate = ChannelCreate
else:
    BODIES = tuple(create_body(each) for each in CHANNEL_TYPES.values())
    EXAMPLES = {each.kind.value: example(each) for each in CHANNEL_TYPES.values()}
    AnyChannelCreate = Annotated[Union[BODIES], Body(discriminator="kind", openapi_examples=EXAMPLES)]  # noqa: UP007


class ChannelChange(BaseModel):
    """Only what is given changes. A secret that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"config": {}}]})

    config: dict[str, Any] = Field(
        description="Settings of the channel's kind, those that change alone. null removes one that is not required.",
        max_length=100,
    )


class ChannelTest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to_address": "you@example.com"}]})

    to_address: Annotated[Text, Field(min_length=1, max_length=320)] = Field(
        description="A phone number or an e-mail address of yours. It gets one message."
    )


class ChannelPause(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Our account is being moved."}]})

    reason: Annotated[Text, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Shown to whoever wonders why nothing is sent; no names or addresses of people."
    )
