"""The Temporal worker's composition root: builds what activities need, registers it, and runs until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities import crashpoint
from activities.campaign_stages import CampaignStages
from activities.channels.registry import build_channels
from activities.compose import Composer
from activities.deliver_signals import SignalDelivery
from activities.delivery import Delivery
from activities.enrollment_steps import EnrollmentSteps
from activities.heartbeats import BEAT_SECONDS
from activities.import_contacts import ImportContacts
from activities.meters import registry
from activities.places import Places
from activities.record_clicks import RecordClicks
from activities.send_page import SendPage
from activities.send_step import SendStep
from activities.starter import Starter
from activities.sweep import Sweep
from models import wire
from models.channel import ChannelKind
from models.database import Database
from settings import Settings
from stack.checks import ports_free
from stack.garbage import collect_rarely
from stack.priority import recorder_niceness, step_back_in_postgres, waited_for_processor
from temporal_client import connect
from tracking.token import TokenCodec
from workflows.campaign_launch import CampaignLaunch
from workflows.click_recorder import ClickRecorder
from workflows.contact_import import ContactImport
from workflows.sequence_enrollment import SequenceEnrollment
from workflows.sweeper import Sweeper

log = structlog.get_logger()

ENDLESS: list[type] = [ClickRecorder, Sweeper]
OTHERS: list[type] = [CampaignLaunch, ContactImport, SequenceEnrollment]
WORKFLOWS = [*OTHERS, *ENDLESS]

WORKFLOW_TASKS = 8
"""At a time. A workflow task is some milliseconds of the one core that Python uses, and has to be done 10 s after it was handed
out: more of them only take turns, and on a machine that is busy otherwise all of them come too late and are done again. Polls
take places as well, and of eight some are left for the cached workflows, whose tasks wait for 10 s and then cost a replay."""

ACTIVITIES = 10
"""At a time, of those beside the workflows: about as many as there are connections (DATABASE_POOL_SIZE). Waiting costs nothing as
long as it is Temporal that keeps the task; what waits here for a connection spends its own time limit and holds up the sends,
which share the pool."""


@dataclass(frozen=True)
class Activities:
    """`sending` runs on each channel's own task queue, `platform` beside the endless workflows, `others` beside the rest of the
    workflows. `metrics`: what they count."""

    others: Sequence[Callable[..., Any]]
    platform: Sequence[Callable[..., Any]]
    sending: Sequence[Callable[..., Any]]
    metrics: CollectorRegistry


def build_activities(settings: Settings, database: Database, recording: Database, client: Client) -> Activities:
    """`recording`: connections of the recorder's own, so that it waits for nobody's."""
    starter = Starter(database, client)
    composer = Composer(TokenCodec(settings.effective_token_keys), settings.effective_link_domain)
    delivery = Delivery(build_channels(database))
    enrollment_steps = EnrollmentSteps(database)
    campaign_stages = CampaignStages(database, settings.campaign_page_size)
    places, shards = Places(settings.geo_database), settings.recorder_shards
    shared = settings.worker_niceness > 0  # the machine, with the redirect
    waited = waited_for_processor if shared else float
    recorder = RecordClicks(recording, places, client, settings.recorder_batch_rows, shards, waited)
    signals = SignalDelivery(database, client, starter)
    send_page = SendPage(database, composer, delivery)
    return Activities(
        others=[
            enrollment_steps.load_sequence,
            enrollment_steps.enter_step,
            enrollment_steps.find_click,
            enrollment_steps.end_enrollment,
            campaign_stages.load_campaign,
            campaign_stages.enter_stage,
            ImportContacts(database).import_contacts,
        ],
        platform=[
            recorder.record_clicks,
            Sweep(database, starter, signals, settings.sweep_interval).sweep,
        ],
        sending=[
            SendStep(database, composer, delivery).send_step,
            send_page.send_page,
            send_page.send_refused,
        ],
        metrics=registry(recorder.meters.read, signals.read),
    )


def build_workers(client: Client, activities: Activities) -> list[Worker]:
    """One worker for workflows and their activities, one for those of the platform itself, and one for the sends of each kind of
    channel."""
    options: dict[str, Any] = {
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
        # By itself it passes on a heartbeat only when most of the time after which Temporal gives up is over.
        "max_heartbeat_throttle_interval": timedelta(seconds=BEAT_SECONDS),
    }
    workflow_worker = Worker(
        client,
        task_queue=wire.WORKFLOW_QUEUE,
        workflows=OTHERS,
        activities=activities.others,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=ACTIVITIES,
        **options,
    )
    platform_worker = Worker(client, task_queue=wire.PLATFORM_QUEUE, workflows=ENDLESS, activities=activities.platform, **options)
    senders = [
        Worker(
            client,
            task_queue=wire.send_queue(kind),
            activities=activities.sending,
            max_concurrent_activities=20,
            **options,
        )
        for kind in ChannelKind
    ]
    return [workflow_worker, platform_worker, *senders]


async def start_endless_workflows(settings: Settings, starter: Starter) -> None:
    """Those that run already keep their input until their next look, which tells them this worker's settings."""
    sweeper = wire.SweeperInput(interval=settings.sweep_interval)
    await starter.start_forever("Sweeper", wire.SWEEPER_WORKFLOW_ID, sweeper)
    for shard in range(settings.recorder_shards):
        recorder = wire.RecorderInput(shard=shard, shards=settings.recorder_shards)
        await starter.start_forever("ClickRecorder", wire.recorder_workflow_id(shard), recorder)


async def main(settings: Settings | None = None) -> None:
    """Runs until SIGTERM or SIGINT, then finishes what it has begun."""
    settings = settings or Settings()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    crashpoint.arm(settings.drill_crash, "worker")
    if settings.worker_metrics_port:
        ports_free([("WORKER_METRICS_PORT", "0.0.0.0", settings.worker_metrics_port)])  # noqa: S104 - as start_http_server listens
    client = await connect(settings)
    database = Database(settings.effective_database_url, settings.database_pool_size)
    # Clicks whose recording is lost are in the inbox again.
    recording = Database(settings.effective_database_url, settings.recorder_shards + 1, repeatable=True)
    if not settings.database_url:
        step_back_in_postgres(database.engine, settings.worker_niceness)
        step_back_in_postgres(recording.engine, recorder_niceness(settings.worker_niceness))
    activities = build_activities(settings, database, recording, client)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, registry=activities.metrics)
    workers = build_workers(client, activities)
    collect_rarely()
    # First: what an earlier version left on the other queue is replaced before this worker is asked to work for it.
    await start_endless_workflows(settings, Starter(database, client))
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    log.info("worker ready", task_queues=[worker.task_queue for worker in workers])
    await asyncio.wait([*tasks, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*tasks)
    await database.close()
    await recording.close()
