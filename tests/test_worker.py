"""What the worker takes from which queue of Temporal."""

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import WorkerConfig

from activities.heartbeats import BEAT_SECONDS
from models import wire
from models.database import Database
from settings import Settings
from worker import ENDLESS, OTHERS, build_activities, build_workers


@pytest.fixture
async def workers(database: Database, temporal: Client) -> dict[str, WorkerConfig]:
    """By task queue. They never run, and one client keeps one worker of each queue: so each test has its own."""
    client = await Client.connect(temporal.service_client.config.target_host)
    activities = build_activities(Settings(_env_file=None, token_keys="0" * 64), database, database, client)
    return {worker.task_queue: worker.config() for worker in build_workers(client, activities)}


def names(worker: WorkerConfig) -> set[str | None]:
    return {activity._Definition.must_from_callable(each).name for each in worker["activities"]}


def test_the_recorder_and_the_sweeper_stand_behind_nobody(workers: dict[str, WorkerConfig]) -> None:
    platform, others = workers[wire.PLATFORM_QUEUE], workers[wire.WORKFLOW_QUEUE]
    assert (platform["workflows"], names(platform)) == (ENDLESS, {"record_clicks", "sweep"})
    assert others["workflows"] == OTHERS
    assert names(platform) & names(others) == set()


def test_no_heartbeat_is_kept_back_until_temporal_gives_up(workers: dict[str, WorkerConfig]) -> None:
    assert {each["max_heartbeat_throttle_interval"].total_seconds() for each in workers.values()} == {BEAT_SECONDS}
