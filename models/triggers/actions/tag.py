"""The actions `tag` and `untag`."""

from typing import Annotated, Literal

from pydantic import Field

from models.contacts.input import Tag
from models.triggers.actions.base import Action, NotEmpty


class TagAction(Action):
    """Give the person these tags."""

    kind: Literal["tag"] = "tag"
    tags: Annotated[tuple[Tag, ...], NotEmpty()] = Field(max_length=20, examples=[["hot"]])


class UntagAction(Action):
    """Take these tags from the person."""

    kind: Literal["untag"] = "untag"
    tags: Annotated[tuple[Tag, ...], NotEmpty()] = Field(max_length=20, examples=[["cold"]])
