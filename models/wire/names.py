"""Names that every process has to spell alike: task queues, workflow ids and search attributes."""

from contextlib import suppress
from typing import Literal
from uuid import UUID

SEARCH_ATTRIBUTES = ("OrgId", "CampaignId", "SequenceId", "ContactId", "Campaign", "Sequence", "TriggerKey", "Stage")
"""All are of type Keyword, of which a SQL visibility store has ten. They are registered at start-up, because a workflow that sets
an unregistered one hangs for ever. `docs/ops.md` says what each is for.
Queries are SQL, so an attribute with a word of SQL for its name, such as `Trigger`, cannot be asked for."""


Stage = Literal["sending", "tracking", "importing", "completed", "stopped", "failed"]
"""Values of the attribute `Stage`. An enrollment has none until it is stopped or fails, because a change costs an event and a row
of Temporal's list: where it stands is in PostgreSQL, and in the details and the timer of its workflow."""


WORKFLOW_QUEUE = "workflows"
"""Task queue of everybody's workflows and their activities, and of one person's sends while their channel has a place there."""


PLATFORM_QUEUE = "platform"
"""Task queue of the platform's own endless workflows and their activities: clicks are recorded, and what was left is found,
however many enrollments wait for their turn."""


IMPORT_QUEUE = "imports"
"""Task queue of contact imports, workflows and activities, so that nobody's messages wait for files."""


ONE_PERSON, CAMPAIGN, BULK = 3, 4, 5
"""Temporal's priority keys, the first served first: what one person waits for, a campaign, which is one workflow for everybody it
writes to, and bulk work, which is an import, the enrollments of a large request, and what the sweeper starts. A workflow keeps
its key, and its activities have it unless they name their own."""


def send_queue(channel_kind: str) -> str:
    """Task queue of the sends of one kind of channel that find no place on the workflows' own, so that a slow channel holds up
    nobody else."""
    return f"send-{channel_kind}"


def page_queue(channel_kind: str) -> str:
    """The task queue of a campaign's pages, so that the message of one person never waits for a place that pages hold."""
    return f"pages-{channel_kind}"


def enrollment_workflow_id(enrollment_id: UUID) -> str:
    return f"enrollment/{enrollment_id}"


def campaign_workflow_id(campaign_id: UUID) -> str:
    return f"campaign/{campaign_id}"


def import_workflow_id(import_id: UUID) -> str:
    return f"import/{import_id}"


def recorder_workflow_id(shard: int) -> str:
    return f"click-recorder/{shard}"


SweepPart = Literal["signals", "starts", "rows", "triggers", "sends", "not_clicked", "notifications"]
"""What the sweepers look after, one part each: clicks and commands whose workflow has not been told, rows without a workflow,
rows whose workflow is gone or which nobody needs any more, triggers that have fired, the messages that these send, messages that
nobody clicked by the deadline of a trigger, and notifications of teams."""


def sweeper_workflow_id(part: SweepPart) -> str:
    return f"sweeper/{part}"


def row_of(workflow_id: str) -> UUID | None:
    """The row to which an enrollment's, a campaign's or an import's workflow belongs; None for every other workflow."""
    with suppress(ValueError):
        kind, row_id = workflow_id.split("/")
        return UUID(row_id) if kind in {"enrollment", "campaign", "import"} else None
    return None
