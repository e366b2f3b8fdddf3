"""Makes a segment of those who clicked a campaign, or of those who got it and did not click."""

from enum import StrEnum

from models.campaigns.campaign import Campaign
from models.segments.definition import AllOf, as_json
from models.segments.kinds.clicked import ClickedCondition
from models.segments.kinds.received import ReceivedCondition
from models.segments.segment import Segment


class Engagement(StrEnum):
    """`engaged` people have clicked a link of the campaign. `unengaged` ones have received its message and not clicked."""

    ENGAGED = "engaged"
    UNENGAGED = "unengaged"


def segment_of(campaign: Campaign, kind: Engagement, name: str | None) -> Segment:
    """Returns the segment, which the caller adds. Without a name it is called after the campaign."""
    definition: ClickedCondition | AllOf = ClickedCondition(kind="clicked", campaign_id=campaign.id)
    if kind == Engagement.UNENGAGED:
        received = ReceivedCondition(kind="received", campaign_id=campaign.id)
        definition = AllOf(all=(received, ClickedCondition(kind="not_clicked", campaign_id=campaign.id)))
    name = name or f"{campaign.name[:185]}: {kind}"
    return Segment(org_id=campaign.org_id, name=name, definition=as_json(definition))
