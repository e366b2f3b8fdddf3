"""Refuses triggers of a campaign that fire on a click only for those who have not clicked."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from models.campaigns.campaign import Campaign
from models.errors import FieldError
from models.segments.segment import segments_by_id
from models.triggers.mentions import mentioned
from models.triggers.placed import PlacedTrigger
from services.segments.engagement import Engagement, segment_of

NEVER = "The click that fires it already counts, so nobody is in this segment then: use when: not_clicked, or another segment."


async def unengaged_errors(session: AsyncSession, campaign: Campaign, triggers: Sequence[PlacedTrigger]) -> list[FieldError]:
    """Only a segment with exactly the definition that `POST /v1/campaigns/{id}/segments` makes is found."""
    asked = mentioned(each for each in triggers if each.trigger.when == "clicked").segments
    segments = await segments_by_id(session, campaign.org_id, asked.values())
    unengaged = segment_of(campaign, Engagement.UNENGAGED, None).definition
    return [
        FieldError(path, NEVER)
        for path, segment_id in asked.items()
        if segment_id in segments and segments[segment_id].definition == unengaged
    ]
