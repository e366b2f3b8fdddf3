"""The funnel of a campaign as analytics show it: each stage with what its rate is a part of."""

from typing import Literal

from pydantic import BaseModel, Field

from models.outcomes.funnel import CampaignCounts
from models.outcomes.person_outcome import Outcome


class Stage(BaseModel):
    """People of one stage, each counted once."""

    count: int | None = Field(description="null: nobody knows, because the provider does not report it.", examples=[180])
    of: Literal["recipients", "sent"] | None = Field(description="The stage that `rate` is a part of.", examples=["sent"])
    rate: float | None = Field(description="null: nothing to divide, or not known.", examples=[0.9])


class Funnel(BaseModel):
    """What became of a campaign's people, of all time and by clicks of people, whatever else was asked for."""

    recipients: Stage = Field(description="With a message in any state.")
    sent: Stage = Field(description="Whose message the channel accepted, or may have accepted.")
    delivered: Stage = Field(description="Whose message arrived, as the provider reports.")
    clicked: Stage = Field(description="Who clicked a link of the message themselves.")
    followed_up: Stage = Field(description="Whom a trigger of the campaign enrolled, or wrote to.")
    replied: Stage = Field(description="Who wrote back. STOP and the like are no replies.")
    opted_out: Stage = Field(description="Who refused more by its link for unsubscribing, STOP or a complaint.")
    unreported: int = Field(description="Sent messages of which no report says whether they arrived.", examples=[20])


def funnel_of(counts: CampaignCounts) -> Funnel:
    def of_sent(count: int | None) -> Stage:
        return Stage(count=count, of="sent", rate=rate(count, counts.sent))

    return Funnel(
        recipients=Stage(count=counts.recipients, of=None, rate=None),
        sent=Stage(count=counts.sent, of="recipients", rate=rate(counts.sent, counts.recipients)),
        delivered=of_sent(counts.delivered),
        clicked=of_sent(counts.human.people),
        **{str(outcome): of_sent(counts.outcomes.get(outcome, 0)) for outcome in Outcome},
        unreported=counts.unreported,
    )


def rate(part: int | None, whole: int) -> float | None:
    return round(part / whole, 4) if part is not None and whole else None
