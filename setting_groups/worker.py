"""Settings of the worker: the size of its transactions, and what it does by the clock."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from setting_groups.readers import DAY, HOUR, SECOND, duration, whole


class WorkerSettings(BaseModel):
    """Sending of campaigns, recording of clicks, sweeping."""

    campaign_page_size: Annotated[int, whole(1, 2000)] = Field(500, description="Recipients in one send_page activity.")
    campaign_tracking_window: Annotated[timedelta, duration(SECOND, 3650 * DAY, "from 1 second to 3650 days")] = Field(
        timedelta(days=7),
        description="How long a campaign's workflow stays open to show clicks (seconds or ISO 8601). Clicks count for ever.",
    )
    recorder_shards: Annotated[int, whole(1, 64)] = Field(2, description="ClickRecorder workflows; raise when they fall behind.")
    recorder_batch_rows: Annotated[int, whole(1, 10000)] = Field(2000, description="Clicks recorded in one transaction.")
    worker_niceness: Annotated[int, whole(0, 19)] = Field(
        0, description="How far the worker and its embedded PostgreSQL processes step back."
    )
    audit_log_kept: Annotated[timedelta, duration(DAY, 3650 * DAY, "from 1 day to 3650 days")] = Field(
        timedelta(days=400),
        description="How long the audit log keeps who changed what (seconds or ISO 8601); older rows are deleted.",
    )
    sweep_interval: Annotated[timedelta, duration(SECOND, HOUR, "from 1 second to 1 hour")] = Field(
        timedelta(seconds=10), description="How often what a crash left behind is looked for (seconds or ISO 8601)."
    )
