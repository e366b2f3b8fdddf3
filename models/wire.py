"""What travels through Temporal: workflow inputs, activity requests and results, signals. Ids and facts, never tables.

New fields have defaults, because histories written before them are replayed with the new code.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.steps import SequenceDefinition

SEARCH_ATTRIBUTES = ("OrgId", "CampaignId", "SequenceId", "ContactId", "Stage")
"""All of type Keyword. Registered at start-up: a workflow that sets an unregistered one hangs for ever."""

WORKFLOW_QUEUE = "workflows"
"""Task queue of everybody's workflows, and of their activities that only touch PostgreSQL."""

PLATFORM_QUEUE = "platform"
"""Task queue of the platform's own endless workflows and their activities: clicks are recorded, and what was left is found,
however many enrollments wait for their turn."""


def send_queue(channel_kind: str) -> str:
    """Task queue of the sends of one kind of channel, apart from the workflows' own so that its rate can be limited."""
    return f"send-{channel_kind}"


def enrollment_workflow_id(org_id: UUID, enrollment_id: UUID) -> str:
    return f"enrollment/{org_id}/{enrollment_id}"


def campaign_workflow_id(org_id: UUID, campaign_id: UUID) -> str:
    return f"campaign/{org_id}/{campaign_id}"


def import_workflow_id(org_id: UUID, import_id: UUID) -> str:
    return f"import/{org_id}/{import_id}"


def recorder_workflow_id(shard: int) -> str:
    return f"click-recorder/{shard}"


SWEEPER_WORKFLOW_ID = "sweeper"


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class LinkKey(Wire):
    """One link of one message of an enrollment: the visit that sent it and the link's position in the text."""

    visit: int
    position: int
    step_key: str
    name: str | None = None


class ClickSignal(Wire):
    """A human click on a message of this enrollment. The click itself is in the database; this is the doorbell."""

    click_id: UUID
    link: LinkKey


class StopSignal(Wire):
    reason: str = "stopped by request"


class EnrollmentProgress(Wire):
    """What an enrollment carries from one run to the next (continue-as-new)."""

    step_key: str | None = None
    visit: int = 0
    due_at: datetime | None = None
    clicked: tuple[LinkKey, ...] = ()
    used: tuple[LinkKey, ...] = ()
    sent: dict[str, int] = Field(default_factory=dict)
    last_sent: str | None = None
    previous_outcome: str | None = None


class EnrollmentInput(Wire):
    org_id: UUID
    enrollment_id: UUID
    sequence_id: UUID
    sequence_version_id: UUID
    contact_id: UUID
    campaign_id: UUID | None = None
    progress: EnrollmentProgress | None = None


class EnrollmentResult(Wire):
    outcome: str
    steps: int


class LoadSequence(Wire):
    org_id: UUID
    sequence_version_id: UUID
    enrollment_id: UUID | None = None


class LoadedSequence(Wire):
    """A published version, and the task queue of each send step by its key. `over`: how the enrollment ended, when it was
    stopped before there was a workflow to tell."""

    name: str
    version: int
    definition: SequenceDefinition
    send_queues: dict[str, str]
    over: str | None = None


class StepEntered(Wire):
    """The enrollment is at a step now. `previous_outcome` says how it left the one before: `sent`, `waited`, `clicked`, …"""

    org_id: UUID
    enrollment_id: UUID
    visit: int
    step_key: str
    kind: str
    due_at: datetime | None = None
    previous_outcome: str | None = None


FinalState = Literal["completed", "stopped", "failed"]


class EnrollmentEnded(Wire):
    org_id: UUID
    enrollment_id: UUID
    visit: int
    state: FinalState
    outcome: str
    previous_outcome: str | None = None


class SendStepRequest(Wire):
    """Send the message of one step. `visit` is the running number of the step in this enrollment, so a loop sends anew."""

    org_id: UUID
    enrollment_id: UUID
    visit: int
    step_key: str
    previous_outcome: str | None = None


class SendStepResult(Wire):
    """`state` is the message's state: accepted, skipped, failed or unknown."""

    message_id: UUID
    state: str
    reason: str | None = None


class FindClick(Wire):
    """Was any of these sends of the enrollment clicked by a person? `link_name` None: any link."""

    org_id: UUID
    enrollment_id: UUID
    visits: tuple[int, ...]
    link_name: str | None = None
    used: tuple[LinkKey, ...] = ()


class FoundClick(Wire):
    signal: ClickSignal | None = None


class CampaignProgress(Wire):
    cursor: UUID | None = None
    sent_all: bool = False
    planned: int = 0
    accepted: int = 0
    skipped: int = 0
    failed: int = 0
    refused: int = 0


class CampaignInput(Wire):
    org_id: UUID
    campaign_id: UUID
    progress: CampaignProgress | None = None


class CampaignPlan(Wire):
    """What the workflow needs to know of its campaign."""

    name: str
    recipients: int
    send_queue: str
    page_size: int
    tracking_until: datetime


class CampaignPage(Wire):
    """Send to the next recipients after `cursor` (contact id order)."""

    org_id: UUID
    campaign_id: UUID
    cursor: UUID | None
    size: int


class CampaignPageResult(Wire):
    """`cursor` None: that was the last page. `refused`: for now, to be tried again later."""

    cursor: UUID | None
    planned: int
    accepted: int
    skipped: int
    failed: int
    refused: int = 0


class CampaignStage(Wire):
    org_id: UUID
    campaign_id: UUID
    state: Literal["tracking", "completed"]


class CampaignDigest(Wire):
    """Counts of a campaign's human clicks so far, sent to its workflow every few seconds at most."""

    clicks: int
    people: int


class RecorderInput(Wire):
    shard: int
    shards: int


class RecordResult(Wire):
    """`shards`: how many recorders there are to be by the worker's setting; None: as there are."""

    recorded: int
    remaining: bool
    shards: int | None = None


class ImportInput(Wire):
    org_id: UUID
    import_id: UUID


class ImportResult(Wire):
    """How far an import is. `processed` = `total`: it is finished."""

    total: int
    processed: int
    created: int
    updated: int
    failed: int


class SweeperInput(Wire):
    interval: timedelta


class SweepRequest(Wire):
    """`woken`: somebody rang, so also take rows that are only a moment old."""

    woken: bool


class SweepResult(Wire):
    """How much was found undone and done now. `interval`: until the next sweep, by the worker's setting; None: as before."""

    enrollments: int = 0
    campaigns: int = 0
    imports: int = 0
    signals: int = 0
    expired_keys: int = 0
    interval: timedelta | None = None
