"""What the worker takes from which queue of Temporal."""

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import WorkerConfig

from activities.heartbeats import BEAT_SECONDS
from models.channels.channel import ChannelKind
from models.database import Database
from models.wire.names import IMPORT_QUEUE, PLATFORM_QUEUE, WORKFLOW_QUEUE, page_queue, send_queue
from settings import Settings
from worker import DAILY, ENDLESS, IMPORT_SLOTS, IMPORTS, OTHERS, build_activities, build_workers


@pytest.fixture
async def workers(database: Database, temporal: Client) -> dict[str, WorkerConfig]:
    """By task queue. They never run, and one client keeps one worker of each queue: so each test has its own."""
    client = await Client.connect(temporal.service_client.config.target_host)
    activities = build_activities(Settings(_env_file=None, token_keys="0" * 64, secret_keys="0" * 64), database, database, client)
    return {worker.task_queue: worker.config() for worker in build_workers(client, activities)}


def names(worker: WorkerConfig) -> set[str | None]:
    return {activity._Definition.must_from_callable(each).name for each in worker["activities"]}


def test_the_recorder_and_the_sweepers_stand_behind_nobody(workers: dict[str, WorkerConfig]) -> None:
    platform, others = workers[PLATFORM_QUEUE], workers[WORKFLOW_QUEUE]
    sweeps = {"sweep_not_clicked", "sweep_rows", "sweep_signals", "sweep_starts"}
    sweeps |= {"run_triggers", "send_notifications", "send_triggered"}
    daily = {"make_partitions", "retire_clicks", "drop_partitions"}
    assert (platform["workflows"], names(platform)) == ([*ENDLESS, *DAILY], {"record_clicks", *sweeps, *daily})
    assert others["workflows"] == OTHERS
    assert names(platform) & names(others) == set()


def test_imports_have_slots_of_their_own_and_stand_in_nobodys_way(workers: dict[str, WorkerConfig]) -> None:
    imports = workers[IMPORT_QUEUE]
    assert (imports["workflows"], imports["max_concurrent_activities"]) == (IMPORTS, IMPORT_SLOTS)
    assert [queue for queue, worker in workers.items() if "import_contacts" in names(worker)] == [IMPORT_QUEUE]


def test_no_heartbeat_is_kept_back_until_temporal_gives_up(workers: dict[str, WorkerConfig]) -> None:
    assert {each["max_heartbeat_throttle_interval"].total_seconds() for each in workers.values()} == {BEAT_SECONDS}


def test_pages_of_campaigns_take_no_place_of_one_persons_messages(workers: dict[str, WorkerConfig]) -> None:
    for kind in ChannelKind:
        assert page_queue(kind) != send_queue(kind)
        assert "send_page" in names(workers[page_queue(kind)])
        assert "take_turn" in names(workers[send_queue(kind)])
