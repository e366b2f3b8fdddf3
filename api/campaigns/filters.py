"""What a list of campaigns can be narrowed to."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from models.campaigns.campaign import CampaignFilter, CampaignState
from models.texts.text import Text

StatesQuery = Annotated[list[CampaignState] | None, Query(max_length=10, description="Given several times: any of them.")]
NameQuery = Annotated[
    Annotated[Text, Field(min_length=1, max_length=200)] | None,
    Query(description="A part of the name, in capitals or small letters.", examples=["spring"]),
]


def campaign_filter(state: StatesQuery = None, name: NameQuery = None) -> CampaignFilter:
    return CampaignFilter(state or (), name)


CampaignFilterDep = Annotated[CampaignFilter, Depends(campaign_filter)]
