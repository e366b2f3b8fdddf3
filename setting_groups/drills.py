"""Settings of drills: what they repeat and what they break."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from setting_groups.readers import SECOND, duration, whole


class DrillSettings(BaseModel):
    """They count in `./linkwake drill` alone."""

    drill_seed: Annotated[int, whole()] | None = Field(
        None, description="Drills only: repeats an earlier one's choices; empty: a new seed."
    )
    drill_outage: Annotated[timedelta, duration(SECOND, 120 * SECOND, "from 1 second to 2 minutes")] = Field(
        timedelta(seconds=30), description="Drills only: how long PostgreSQL does not answer (seconds or ISO 8601)."
    )
    drill_crash: Path | None = Field(None, description="Drills only: the directory in which crash points are armed; empty: off.")
