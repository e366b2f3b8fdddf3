"""Analytics of a link. `docs/analytics.md` says what each number means."""

from uuid import UUID

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.reports.totals import Analytics, read_common
from api.reports.window import WindowDep, read_answer
from models.reports.texts import count_messages, get_link

router = area("analytics")


class LinkAnalytics(Analytics):
    """`messages`, `recipients` and `reached` are those of the text in which the link stands."""

    link_id: UUID
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    step_key: str | None
    version: int | None


@router.get("/links/{link_id}/analytics", summary="Read a link's numbers")
async def of_link(
    link_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep, asked: WindowDep
) -> LinkAnalytics:
    """One link of one message text: of a campaign, or of one step of one published version of a sequence."""
    link = await get_link(session, caller.id, link_id)
    about = {name: getattr(link, name) for name in ("name", "url", "campaign_id", "sequence_id", "step_key", "version")}
    question = asked.question(*link.scope, link_id)
    found = await read_answer(services, session, caller.id, question, each_link=False)
    messages = await count_messages(session, [link.content_id], one_each=link.campaign_id is not None)
    common = await read_common(session, found, asked, [link.content_id], messages, link.position)
    return LinkAnalytics(**common, link_id=link_id, **about)
