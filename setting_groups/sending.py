"""Settings of when a channel that fails pauses itself."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from setting_groups.readers import DAY, SECOND, duration, whole


class SendingSettings(BaseModel):
    """The threshold of failures beyond which a channel pauses itself."""

    channel_pause_share: Annotated[int, whole(1, 100)] = Field(
        50, description="Percent of a channel's latest messages that must have failed for it to pause itself; 100: all of them."
    )
    channel_pause_results: Annotated[int, whole(5, 1000)] = Field(
        50, description="How many of a channel's latest messages are looked at; with fewer it does not pause itself."
    )
    channel_pause_window: Annotated[timedelta, duration(SECOND, DAY, "from 1 second to 1 day")] = Field(
        timedelta(minutes=10), description="How long a failure counts (seconds or ISO 8601)."
    )
