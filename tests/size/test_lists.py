"""A page of every list reads few blocks: in a large organization and in a small one, of what is common and of what is rare."""

import re

import pytest
from fastapi.routing import APIRoute

from api.app import AREAS
from api.http.paging import Page
from models.clicks.verdict import Verdict
from models.database import Database
from models.messages.message import MessageState
from models.sequences.enrollment import EnrollmentState
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.size.tables import Owner

MOST = 350
"""Blocks of 8 KB for a page of 50 rows and one more, each of which may lie in a block of its own, and is looked up by its id."""

MOST_CLICKS = 1000
"""Of clicks, each with its link, its place and its device, out of twelve months."""

MOST_PEOPLE = 10_000
"""Of people: a page of 50 looks at 1,000 candidates, and asks of each whether it clicked."""

# Not the filters of which one index finds the rows of the first, and the others are read away: decision 0012.
LISTS = [
    *(f"/contacts{each}" for each in ("", "?tag=all", "?tag=rare", "?tag=spread", "?tag=nobody")),
    *(f"/contacts?{each}" for each in ("email=nobody@example.com", "external_id=nobody", "tag=all&email=nobody@example.com")),
    "/messages",
    *(f"/messages?state={state}" for state in MessageState),
    *(f"/messages?reason={reason}" for reason in ("lost", "no_phone", "other")),
    *(f"/messages?report={report}" for report in ("failed", "bounced", "complained")),
    *(f"/messages?{owner}" for owner in ("campaign_id=CAMPAIGN", "sequence_id=SEQUENCE")),
    *(f"/messages?campaign_id=CAMPAIGN&state={state}" for state in MessageState),
    *(f"/messages?sequence_id=SEQUENCE&state={state}" for state in MessageState),
    *(f"/messages?{owner}" for owner in ("contact_id=CONTACT", "enrollment_id=CONTACT")),
    *(f"/campaigns/CAMPAIGN/messages{each}" for each in ("", "?state=skipped", "?reason=lost")),
    "/enrollments",
    *(f"/enrollments?state={state}" for state in EnrollmentState),
    *(f"/enrollments?{owner}" for owner in ("sequence_id=SEQUENCE", "campaign_id=CAMPAIGN", "contact_id=CONTACT")),
    *(f"/enrollments?sequence_id=SEQUENCE&state={state}" for state in EnrollmentState),
    *(f"/enrollments?campaign_id=CAMPAIGN&state={state}" for state in EnrollmentState),
    *(f"/enrollments?sequence_id=SEQUENCE&{each}" for each in ("step=wait", "step=hello", "version=1")),
    *(f"/enrollments?due_before={year}-01-02T00:00:00Z" for year in (2026, 2100)),
    "/clicks",
    *(f"/clicks?verdict={verdict}" for verdict in (*Verdict, "all")),
    *(f"/clicks?campaign_id=CAMPAIGN&verdict={verdict}" for verdict in (*Verdict, "all")),
    *(f"/clicks?sequence_id=SEQUENCE&verdict={verdict}" for verdict in (*Verdict, "all")),
    *(f"/clicks?{each}&verdict=all" for each in ("link_id=LINK", "contact_id=CONTACT", "enrollment_id=CONTACT")),
    *(f"/clicks?{each}" for each in ("country=IS", "country=DE", "country=FR", "verdict=all&country=DE")),
    *(f"/clicks?{each}" for each in ("device_type=tablet", "device_type=phone", "verdict=all&device_type=desktop")),
    "/clicks?since=2026-03-05T00:00:00Z&until=2026-03-06T00:00:00Z",
    "/clicks?since=2026-03-05T00:00:00Z&until=2026-03-06T00:00:00Z&country=DE",
    *(f"/campaigns/CAMPAIGN/people{each}" for each in ("", "?clicked=true", "?clicked=false", "?link_id=LINK", "?state=failed")),
    *(f"/campaigns/CAMPAIGN/people?clicked={each}" for each in ("true&verdict=all", "false&state=skipped", "true&state=failed")),
    *(f"/sequences/SEQUENCE/people{each}" for each in ("", "?clicked=true", "?clicked=false", "?state=failed")),
    "/contacts/CONTACT/conversation",
    *(f"/{each}" for each in ("campaigns", "sequences", "segments", "shared-links", "contact-imports", "channels", "audit-log")),
    *(f"/{each}" for each in ("api-keys", "notification-targets", "organization/link-domains")),
]
SHORT = {
    "/channels/{channel_id}/inbox",
    "/sequences/{sequence_id}/versions",
    "/campaigns/{campaign_id}/triggers",
    "/sequences/{sequence_id}/triggers",
}
"""Lists of few rows, whatever an organization does."""
ELSEWHERE = {"/segments/{segment_id}/contacts", "/suppressions", "/inbound-messages", "/contacts/{contact_id}/consent"}
"""Lists that `test_segments.py` and `tests/api/http/test_lists_at_size.py` are about."""
WITHOUT_ROWS = {
    "/campaigns/{campaign_id}/triggers/{key}/firings",
    "/sequences/{sequence_id}/triggers/{key}/firings",
    "/notification-targets/{target_id}/notifications",
}
"""Lists of which the large tables have no rows."""


@pytest.mark.parametrize("path", LISTS)
async def test_a_page_reads_few_blocks(api: Caller, database: Database, owner: Owner, path: str) -> None:
    blocks = await blocks_of_pages(api, database, owner, path)
    most = MOST_CLICKS if path.startswith("/clicks") else MOST_PEOPLE if "/people" in path else MOST
    assert max(max(each.values()) for each in blocks) <= most


async def blocks_of_pages(api: Caller, database: Database, owner: Owner, path: str) -> list[dict[str, int]]:
    """What each statement of the first page reads, and each of the second one, if there is one."""
    path, found, cursor = owner.named(path), [], None
    for _ in range(2):
        with statements(database) as sent:
            answer = await api.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}" if cursor else path)
        assert answer.status_code == 200, answer.text
        found.append(await buffers_read(database, sent))
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    return found


def test_every_list_of_the_api_is_here() -> None:
    asked = {re.sub("[A-Z]{2,}", "{}", path.partition("?")[0]) for path in LISTS}
    routes = [route for area in AREAS for route in area.router.routes if isinstance(route, APIRoute)]
    lists = {route.path.removeprefix("/v1") for route in routes if issubclass(route.response_model or str, Page)}
    assert len(lists) > 10
    assert {re.sub(r"\{[^}]*\}", "{}", path) for path in lists - SHORT - ELSEWHERE - WITHOUT_ROWS} - asked == set()
