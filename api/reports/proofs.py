"""Proofs of analytics: their figures, counted again from the rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.clicks.verdict import Verdict
from models.reconcile.proof import LISTED, Figure, Proof, Proven, begin_snapshot, prove
from models.reports.texts import contents_of, get_link
from models.reports.time_budget import TimeBudget
from models.sequences.sequence import get_sequence, versions_of

router = area("proofs")

SECONDS = 10.0
"""The longest time of a proof: half of that in which a request is answered."""
NARROW = "There are too many rows to count them within a request. `./linkwake reconcile` counts everything, piece by piece."


class ProvenFigure(BaseModel):
    figure: str = Field(description="clicks, people, series, values, messages, reports or step_runs.", examples=["clicks"])
    of: dict[str, str] = Field(description="What is counted.", examples=[{"verdict": Verdict.HUMAN.value}])
    expected: int = Field(description="What the rows say, and what is left of rows that retention removed.", examples=[70])
    found: int = Field(description="What the report is made of.", examples=[70])
    different: int = Field(description="How many single counters differ: some can, although their sum is right.", examples=[0])
    equal: bool


class CountedRows(BaseModel):
    table: str = Field(examples=["click"])
    rows: int = Field(examples=[76])
    oldest_id: UUID | None
    newest_id: UUID | None
    retired: int = Field(description="Removed when the organization's retention had passed; in the counters alone.", examples=[0])


class ProofDifference(BaseModel):
    """A counter that differs; null: there is no such row."""

    table: str
    key: dict[str, Any]
    expected: dict[str, Any] | None
    found: dict[str, Any] | None


class AnalyticsProof(BaseModel):
    proven_at: datetime = Field(description="The state of the database that was counted is that of this moment.")
    equal: bool
    figures: list[ProvenFigure]
    rows: list[CountedRows] = Field(description="What was counted.")
    different: int = Field(description="How many counters differ.", examples=[0])
    differences: list[ProofDifference] = Field(description=f"The first {LISTED} of them.")


@router.get("/campaigns/{campaign_id}/analytics/proof", summary="Prove a campaign's numbers")
async def of_campaign(campaign_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> AnalyticsProof:
    """Count every figure of the campaign's analytics again from its rows, all of them as they were at one moment. One proof of an
    organization runs at a time; another one is refused with 429. 422 when there are too many rows."""
    async with _snapshot(services, caller.id, session) as at:
        await get_campaign(session, caller.id, campaign_id)
        contents = await contents_of(session, Scope.CAMPAIGN, campaign_id)
        return await _prove(session, "campaign_id", Proven(Scope.CAMPAIGN, campaign_id, content_ids=contents), at)


@router.get("/sequences/{sequence_id}/analytics/proof", summary="Prove a sequence's numbers")
async def of_sequence(sequence_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> AnalyticsProof:
    """As for a campaign, with the step runs of all versions."""
    async with _snapshot(services, caller.id, session) as at:
        await get_sequence(session, caller.id, sequence_id)
        contents = await contents_of(session, Scope.SEQUENCE, sequence_id)
        versions = await versions_of(session, sequence_id)
        proven = Proven(Scope.SEQUENCE, sequence_id, content_ids=contents, version_ids=versions)
        return await _prove(session, "sequence_id", proven, at)


@router.get("/links/{link_id}/analytics/proof", summary="Prove a link's numbers")
async def of_link(link_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> AnalyticsProof:
    """As for a campaign: the clicks and people of the link, and the messages of the text in which it stands."""
    async with _snapshot(services, caller.id, session) as at:
        link = await get_link(session, caller.id, link_id)
        proven = Proven(*link.scope, link_id=link_id, content_ids=[link.content_id])
        return await _prove(session, "link_id", proven, at)


@asynccontextmanager
async def _snapshot(services: Services, org_id: UUID, session: AsyncSession) -> AsyncIterator[datetime]:
    """Begins the transaction in its turn. Nothing may have been read in it before."""
    async with services.proof_turns.turn(org_id):
        await session.rollback()
        yield await begin_snapshot(session)


async def _prove(session: AsyncSession, field: str, proven: Proven, at: datetime) -> AnalyticsProof:
    return _view(await prove(TimeBudget(session, SECONDS, {field: NARROW}), proven, at))


def _view(proof: Proof) -> AnalyticsProof:
    return AnalyticsProof(
        proven_at=proof.proven_at,
        equal=proof.equal,
        figures=[_figure(each) for each in proof.figures],
        rows=[CountedRows(**vars(each)) for each in proof.rows],
        different=proof.different,
        differences=[ProofDifference(**vars(each)) for each in proof.differences],
    )


def _figure(each: Figure) -> ProvenFigure:
    return ProvenFigure(
        figure=each.name,
        of=dict(each.of),
        expected=each.expected,
        found=each.found,
        different=each.different,
        equal=each.equal,
    )
