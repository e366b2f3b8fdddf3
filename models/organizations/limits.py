"""The limits of one organization: the settings' defaults, and what the operator has set for it alone."""

from datetime import timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from settings import Settings


class Limits(BaseModel):
    """Documented in docs/limits.md. The operator changes one with `./linkwake limit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_enrollments: int = Field(ge=0, description="Enrollments that are not over, at the same time.")
    messages_per_contact_and_day: int = Field(ge=0, description="Messages to one contact within 24 hours.")
    contents: int = Field(ge=0, description="Contents ever: texts published or launched, and shared links.")
    contents_per_day: int = Field(ge=0, description="Contents in one day (UTC).")
    shortest_loop: timedelta = Field(ge=timedelta(0), description="What the waits of a sequence's loop have to be in sum.")

    @classmethod
    def of(cls, settings: Settings, own: dict[str, Any]) -> Self:
        """`own` are the limits in `Organization.limits`."""
        return cls.model_validate({name: getattr(settings, name) for name in cls.model_fields}).changed(own)

    def changed(self, own: dict[str, Any]) -> Self:
        """Returns these limits with an organization's own in place of those that it has."""
        return self.model_validate({**self.model_dump(), **own}) if own else self
