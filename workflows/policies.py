"""Timeouts and retries of every activity, with their reasons. Workflow files use these names only."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

# Waits for PostgreSQL to come back, however long it takes: an outage is no reason to lose somebody's place.
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30))


class Options(TypedDict, total=False):
    """The part of `workflow.execute_activity`'s options that is set here."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# One or two statements.
QUICK: Options = {"start_to_close_timeout": timedelta(seconds=20), "retry_policy": PATIENT}

# A message that could not be sent for a day is not worth sending: the enrollment fails and says so.
SEND: Options = {
    "start_to_close_timeout": timedelta(seconds=60),
    "schedule_to_close_timeout": timedelta(days=1),
    "retry_policy": PATIENT,
}

# Between two signs of life of a long activity, which come every 5 s (activities/heartbeats.py): so long nobody goes on with the
# work of a worker that died.
ALIVE = timedelta(seconds=15)

# A page of a campaign: many messages.
PAGE: Options = {
    "start_to_close_timeout": timedelta(minutes=30),
    "heartbeat_timeout": ALIVE,
    "retry_policy": PATIENT,
}

# The messages of a campaign that were refused for now, perhaps all of it, once more.
REFUSED: Options = {
    "start_to_close_timeout": timedelta(days=1),
    "heartbeat_timeout": ALIVE,
    "retry_policy": PATIENT,
}

# Between two such rounds: long enough for a provider to recover, and a campaign of a day has fewer than 300 of them.
REFUSED_AGAIN = timedelta(minutes=5)

# One sweep works through batches.
SWEEP: Options = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": ALIVE,
    "retry_policy": PATIENT,
}

# Temporal allows 10,000 signals a run and does not warn before: start a new run well below that.
MAX_SIGNALS = 5_000
