"""Settings of what an organization may have in all and send in a day."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from setting_groups.readers import DAY, SECOND, duration, whole


class LimitSettings(BaseModel):
    """Limits of every organization. Some organizations can have their own."""

    active_enrollments: Annotated[int, whole(0)] = Field(
        250_000, description="Enrollments of an organization that are not over; it can have a limit of its own."
    )
    messages_per_contact_and_day: Annotated[int, whole(0)] = Field(
        100, description="Messages to one contact within 24 hours; those above it are skipped."
    )
    contents: Annotated[int, whole(0, 2**26)] = Field(
        1_000_000, description="Texts and shared links that an organization can make in all."
    )
    contents_per_day: Annotated[int, whole(0, 2**26)] = Field(10_000, description="Those that it can make in a day (UTC).")
    imports_open: Annotated[int, whole(1, 1000)] = Field(
        10, description="Contact imports of an organization that wait or run; one more is refused with 429."
    )
    sequence_text_limit: Annotated[int, whole(1)] = Field(800_000, description="Characters of all messages of a sequence.")
    shortest_loop: Annotated[timedelta, duration(0 * SECOND, 366 * DAY, "from 0 seconds to 366 days")] = Field(
        timedelta(hours=1), description="What the waits of a sequence's loop have to be in sum (seconds or ISO 8601)."
    )
