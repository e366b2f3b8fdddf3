"""The action `set_field`: a field or a property of the contact gets a value."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from models.texts.text import Text
from models.triggers.actions.base import Action

SETTABLE = ("first_name", "last_name", "time_zone")
"""The fields that a trigger may set. The keys of a contact are not among them, because each names at most one contact."""


class SetFieldAction(Action):
    """Set one field of the person, or one property by its name as `properties.NAME`. null removes it."""

    kind: Literal["set_field"] = "set_field"
    field: Annotated[Text, Field(min_length=1, max_length=80, examples=["properties.interested_in"])]
    value: JsonValue = Field(examples=["spring offer"])
