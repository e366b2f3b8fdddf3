"""What every action of a trigger shares.

Each kind is a file of this package and a line in `registry.py`. A file of the same name in `activities/actions/` does what the
action says.
"""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler

from models.sequences.steps.base import Frozen


class NotEmpty:
    """A tuple with at least one entry. Pydantic's `min_length` counts the valid entries of a tuple only, so that one wrong entry
    would be reported as two faults."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return AfterValidator(_not_empty).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minItems": 1}


def _not_empty(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if not entries:
        raise ValueError("this is empty")
    return entries


class Action(Frozen):
    """One thing that a firing does. The actions of a trigger are done in their order."""

    if TYPE_CHECKING:  # each kind declares it itself, so that it stands first
        kind: str

    on_failure: Literal["continue", "stop"] = Field(
        "continue", description="stop: when this action cannot be done, those behind it are not done either."
    )


class OwnEnrollmentAction(Action):
    """An action on the enrollment whose message was clicked, so it is possible on sequences only."""
