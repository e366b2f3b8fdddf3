"""What a campaign's workflow is started with, asks its activities, and carries from run to run."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from models.wire.base import Wire


class CampaignProgress(Wire):
    """How far the launch of a campaign is: the answer to the query `progress`, and what its next run begins with.

    `sent_all` means that every recipient was asked for once; from then on `cursor` walks over those who were refused for now.
    `later_at` is when the provider may be asked again. `tries` counts the attempts since somebody got a message that a provider
    has refused.
    """

    cursor: UUID | None = None
    sent_all: bool = False
    later_at: datetime | None = None
    tries: int = 0
    planned: int = 0
    accepted: int = 0
    skipped: int = 0
    failed: int = 0
    refused: int = 0

    @property
    def over(self) -> bool:
        """Nobody is left who can get the message."""
        return self.sent_all and not self.refused


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
    """Asks to send to the next recipients after `cursor`, in the order of contact ids.

    `again` means only to those who were refused for now. `insist` means to go on behind messages that the provider refuses,
    because waiting for it has led to nothing.
    """

    org_id: UUID
    campaign_id: UUID
    cursor: UUID | None
    size: int
    again: bool = False
    insist: bool = False


class CampaignPageResult(Wire):
    """How far a page came. `cursor` is where the next page begins, and `last` says that nobody comes after it.

    The counts are those of the messages between the two cursors, and after the last page of those who were refused, those of the
    whole campaign. `sent` is how many messages this attempt has brought to their end. `later_at` is when the provider may be
    asked again, and the rest of the page waits until then; `paced` says that this is the channel's pace or its pause, and no
    refusal. `over` says that the campaign is not being sent any more.
    """

    cursor: UUID | None
    last: bool
    over: bool = False
    sent: int = 0
    later_at: datetime | None = None
    paced: bool = False
    planned: int = 0
    accepted: int = 0
    skipped: int = 0
    failed: int = 0
    refused: int = 0


class CampaignStage(Wire):
    org_id: UUID
    campaign_id: UUID
    state: Literal["tracking", "completed"]


class CampaignDigest(Wire):
    """Counts of a campaign's human clicks so far, sent to its workflow every few seconds at most."""

    clicks: int = Field(ge=0)
    people: int = Field(ge=0)
