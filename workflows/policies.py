"""Timeouts and retries of every activity, with their reasons. Workflow files use these names only."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import Priority, RetryPolicy

from models.wire.enrollments import TurnRequest
from models.wire.names import ONE_PERSON

# Retries until PostgreSQL is back, however long it takes: an outage is no reason to lose anybody's enrollment.
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30))


class Options(TypedDict, total=False):
    """The part of `workflow.execute_activity`'s options that is set here."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# For one or two statements.
QUICK: Options = {"start_to_close_timeout": timedelta(seconds=20), "retry_policy": PATIENT}

# A turn of an enrollment: some statements and one call to a channel. It may stand in its queue for as long as it takes, because a
# message waits for its channel there; the day after which a message is given up is counted in its row (services/refusal.py). What
# is a bug and no outage ends it after some attempts (activities/bugs.py).
TURN: Options = {"start_to_close_timeout": timedelta(seconds=60), "retry_policy": PATIENT}


def priority(turn: TurnRequest) -> Priority:
    """The first turn has the workflow's own key, which is that of a bulk when many were enrolled at once. A later one goes before
    such first turns, however many there are, because somebody has clicked, waited or asked for a stop."""
    return Priority.default if turn.step_run == 1 and turn.end is None else Priority(priority_key=ONE_PERSON)


# Heartbeat timeout of a long activity, which sends one every 5 s (activities/heartbeats.py): after a worker dies, its work is
# picked up this much later.
ALIVE = timedelta(seconds=15)

# For a page of a campaign, which is many messages.
PAGE: Options = {
    "start_to_close_timeout": timedelta(minutes=30),
    "heartbeat_timeout": ALIVE,
    "retry_policy": PATIENT,
}

# How often a busy provider is asked without anybody getting a message, before the campaign goes on behind those whom it refuses.
PROVIDER_TRIES = 3

# The wait between two rounds over those who were refused for now: long enough for a provider to recover, and a day has fewer than
# 300 of them.
REFUSED_AGAIN = timedelta(minutes=5)

# One sweep works through batches.
SWEEP: Options = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": ALIVE,
    "retry_policy": PATIENT,
}

# Partitions are made ahead for two months, so an outage of half an hour is waited for, and the next day comes soon enough.
PARTITIONS: Options = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": ALIVE,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=60
    ),
}

# Temporal allows 10,000 signals a run and does not warn before: start a new run well below that.
MAX_SIGNALS = 5_000
