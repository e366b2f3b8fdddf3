"""The Temporal worker's composition root builds what activities need, registers it, and runs until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from activities.actions.registry import build_actions
from activities.actions.send import Send as SendAction
from activities.campaign_stages import CampaignStages
from activities.delivery import Delivery
from activities.gone import GoneWorkflows
from activities.heartbeats import BEAT_SECONDS
from activities.import_contacts import ImportContacts
from activities.left_behind import LeftBehind
from activities.places import PAGE_SLOTS, SEND_SLOTS
from activities.record_clicks import RecordClicks
from activities.run_triggers import RunTriggers
from activities.send_notifications import SendNotifications
from activities.send_page import SendPage
from activities.send_triggered import SendTriggered
from activities.steps.registry import build_effects
from activities.sweep_not_clicked import SweepNotClicked
from activities.sweep_rows import SweepRows
from activities.sweep_signals import SweepSignals
from activities.sweep_starts import SweepStarts
from activities.take_turn import TakeTurn
from activities.upkeep import Upkeep as UpkeepActivities
from models.channels.channel import ChannelKind
from models.database import WORK, Database
from models.organizations.limits import Limits
from models.wire.names import IMPORT_QUEUE, PLATFORM_QUEUE, WORKFLOW_QUEUE, page_queue, send_queue
from services.channels.base import Outside
from services.channels.consequences import Consequences
from services.channels.failure_watch import FailureWatch, Threshold
from services.channels.open_channels import OpenChannels
from services.clicks.geo_locations import GeoLocations
from services.commands.deliver import CommandDelivery
from services.composing.compose import Composer
from services.composing.recipient_numbers import RecipientNumbers
from services.composing.threads import Composing
from services.deliver_signals import SignalDelivery
from services.effects.hints import Hints
from services.notifications.delivery import NotificationDelivery
from services.notifications.notifier import Notifier
from services.pacing.pacing import Pacing
from services.process import crashpoint
from services.process.doorbell import Doorbell
from services.process.endless import endless_workflows, keep_running, start_all
from services.process.meters import registry
from services.process.signs_of_life import signs_of_life
from services.process.upkeep_schedule import keep_upkeep_schedule
from services.provider_reports.waiting import WaitingReports
from services.published import PublishedVersions
from services.secrets.secrets import Secrets
from services.segments.matching import matching
from services.starter import Starter
from services.way_out.way_out import WayOut
from settings import Settings
from stack.checks import ports_free
from stack.children.priority import recorder_niceness, step_back_in_postgres, waited_for_processor
from stack.roles.garbage import collect_rarely
from temporal_client import connect
from tracking.tokens.token import TokenCodec
from workflows.campaign_launch import CampaignLaunch
from workflows.click_recorder import ClickRecorder
from workflows.contact_import import ContactImport
from workflows.sequence_enrollment import SequenceEnrollment
from workflows.sweeper import Sweeper
from workflows.upkeep import Upkeep

log = structlog.get_logger()

ENDLESS: list[type] = [ClickRecorder, Sweeper]
OTHERS: list[type] = [CampaignLaunch, SequenceEnrollment]
IMPORTS: list[type] = [ContactImport]
DAILY: list[type] = [Upkeep]
WORKFLOWS = [*OTHERS, *IMPORTS, *ENDLESS, *DAILY]

WORKFLOW_TASKS = 8
"""How many workflow tasks run at a time. A workflow task takes some milliseconds of the one core that Python uses, and has to be
done 10 s after it was handed out. More of them would only take turns, and on a busy machine all of them would be late and done
again. Polls take places as well, and of eight some are left for cached workflows, whose tasks wait for 10 s and then cost a
replay."""

ACTIVITIES, ACTIVITY_POLLS = 20, 5
"""How many activities run at a time beside the workflows, and how many of these slots polls may hold. Temporal hands a turn out
together with its workflow's task when a slot is free. Channels hold only some of them (`activities/places.py`), and the turns
that need PostgreSQL at a time are about as many as there are connections (DATABASE_POOL_SIZE). A task
that Temporal keeps costs nothing while it waits. A task that waits here for a connection uses up its own time limit and holds up
the sends, which share the pool."""

IMPORT_SLOTS = 2
"""How many pages of imports run at a time. Each takes a connection and much of the one core, and organizations take turns after
some pages."""


GIVE_WAY = 0.0005
"""Seconds after which a thread that composes gives the interpreter to the event loop, through which everybody's work goes.
Python's own 5 ms would be paid at each of the dozens of times that an activity waits for the network."""


@dataclass(frozen=True)
class Activities:
    """`sending` runs on each channel's own task queue, `platform` beside the endless workflows, `imports` beside theirs, and
    `others` beside the rest of the workflows. `metrics` are what these activities count."""

    others: Sequence[Callable[..., Any]]
    platform: Sequence[Callable[..., Any]]
    imports: Sequence[Callable[..., Any]]
    sending: Sequence[Callable[..., Any]]
    metrics: CollectorRegistry


def build_activities(settings: Settings, database: Database, recording: Database, client: Client) -> Activities:
    """`recording` has connections of the recorder's own, so that the recorder waits for nobody else's."""
    starter, limits = Starter(database, client), Limits.of(settings, {})
    composer = Composer(TokenCodec(settings.effective_token_keys), settings.effective_link_domain)
    composing, pacing = Composing(composer, RecipientNumbers(database)), Pacing(database)
    way_out, secrets = WayOut(local=settings.allow_local_addresses), Secrets(settings.effective_secret_keys)
    channels = OpenChannels(Outside(database, way_out, settings), secrets)
    commands = CommandDelivery(database, client)
    watch = FailureWatch(Threshold(settings.channel_pause_share, settings.channel_pause_results, settings.channel_pause_window))
    delivery = Delivery(channels, Consequences(database, watch, commands))
    effects, hints = build_effects(database, composing, pacing, delivery, limits), Hints(starter, commands)
    turns = TakeTurn(database, PublishedVersions(database), effects, hints)
    campaign_stages = CampaignStages(database, settings.campaign_page_size)
    places, shards = GeoLocations(settings.geo_database), settings.recorder_shards
    shared = settings.worker_niceness > 0  # it shares the machine with the redirect
    waited = waited_for_processor if shared else float
    fired, to_send = Doorbell(partial(starter.ring_sweeper, "triggers")), Doorbell(partial(starter.ring_sweeper, "sends"))
    recorder = RecordClicks(recording, places, client, settings.recorder_batch_rows, shards, waited, fired.press)
    signals = SignalDelivery(database, client)
    gone, interval = GoneWorkflows(database, client), settings.sweep_interval
    triggers = RunTriggers(database, build_actions(hints, limits), matching, interval, to_send.press)
    sends = SendTriggered(database, SendAction(database, composing, pacing, delivery, limits), interval, fired.press)
    telling, console_url = NotificationDelivery(way_out), settings.effective_console_url
    notifier = Notifier(database, secrets, telling, settings.notification_interval, console_url)
    waiting = WaitingReports(database, commands)
    imports, upkeep = ImportContacts(database, starter), UpkeepActivities(database)
    send_page = SendPage(database, composing, pacing, delivery, limits)
    return Activities(
        others=[
            turns.take_turn,
            campaign_stages.load_campaign,
            campaign_stages.enter_stage,
        ],
        imports=[imports.import_contacts, imports.end_import],
        platform=[
            recorder.record_clicks,
            SweepSignals(commands, signals, interval).sweep_signals,
            SweepStarts(database, starter, interval).sweep_starts,
            triggers.run_triggers,
            sends.send_triggered,
            SweepRows(database, gone, LeftBehind(database, delivery), waiting, interval, settings.audit_log_kept).sweep_rows,
            SweepNotClicked(database, interval, fired=fired.press).sweep_not_clicked,
            SendNotifications(notifier, interval).send_notifications,
            upkeep.make_partitions,
            upkeep.retire_clicks,
            upkeep.drop_partitions,
        ],
        sending=[
            turns.take_turn,
            send_page.send_page,
        ],
        metrics=registry(recorder.meters.read, signals.read, commands.read, triggers.read, sends.read),
    )


def build_workers(client: Client, activities: Activities) -> list[Worker]:
    """Returns one worker for workflows and their activities, one for those of the platform itself, one for imports, and two for
    the sends of each kind of channel: those of one person, and pages of campaigns."""
    options: dict[str, Any] = {
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
        # The sandbox, in which the tests run every workflow and replay every history, finds code that is not deterministic. For
        # each start of a workflow it imports the workflow's file again, which a worker need not do.
        "workflow_runner": UnsandboxedWorkflowRunner(),
        # By itself the worker passes on a heartbeat only when most of the time after which Temporal gives up is over.
        "max_heartbeat_throttle_interval": timedelta(seconds=BEAT_SECONDS),
    }
    workflow_worker = Worker(
        client,
        task_queue=WORKFLOW_QUEUE,
        workflows=OTHERS,
        activities=activities.others,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=ACTIVITIES,
        **{**options, "activity_task_poller_behavior": PollerBehaviorAutoscaling(maximum=ACTIVITY_POLLS)},
    )
    platform = [*ENDLESS, *DAILY]
    platform_worker = Worker(client, task_queue=PLATFORM_QUEUE, workflows=platform, activities=activities.platform, **options)
    import_worker = Worker(
        client,
        task_queue=IMPORT_QUEUE,
        workflows=IMPORTS,
        activities=activities.imports,
        max_concurrent_activities=IMPORT_SLOTS,
        **options,
    )
    senders = [
        Worker(
            client,
            task_queue=queue(kind),
            activities=activities.sending,
            max_concurrent_activities=slots,
            **options,
        )
        for kind in ChannelKind
        for queue, slots in ((send_queue, SEND_SLOTS), (page_queue, PAGE_SLOTS))
    ]
    return [workflow_worker, platform_worker, import_worker, *senders]


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
    database = Database(settings.effective_database_url, settings.database_pool_size, patience=WORK)
    # Clicks whose recording was lost are still in the inbox.
    recording = Database(settings.effective_database_url, settings.recorder_shards + 1, patience=WORK, repeatable=True)
    if not settings.database_url:
        step_back_in_postgres(database.engine, settings.worker_niceness)
        step_back_in_postgres(recording.engine, recorder_niceness(settings.worker_niceness))
    activities = build_activities(settings, database, recording, client)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, registry=activities.metrics)
    workers = build_workers(client, activities)
    collect_rarely()
    sys.setswitchinterval(GIVE_WAY)
    async with signs_of_life("worker", settings.alive_file("worker"), database, client.service_client.check_health):
        # This comes first: what an earlier version left on the other queue is replaced before this worker is asked to work for
        # it.
        starter, endless = Starter(database, client), endless_workflows(settings.recorder_shards, settings.sweep_interval)
        await start_all(starter, endless)
        await keep_upkeep_schedule(client)
        watch = asyncio.create_task(keep_running(client, starter, endless))
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        log.info("worker ready", task_queues=[worker.task_queue for worker in workers])
        await asyncio.wait([*tasks, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*tasks)
    await database.close()
    await recording.close()
