"""Floods: everybody is sent on, so many clicks are recorded, and the others are counted; nobody else's click is one of them."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from api.redirect.background.flood import BUCKETS, ClickLimit
from models.clicks import flood as click_flood
from models.clicks.flood import Flooded, count_flood
from models.clicks.verdict import Verdict
from models.database import Database
from models.organizations.organization import Organization
from settings import Settings
from tests.api.redirect.contact import running
from tests.api.redirect.test_metrics import scraped
from tests.clicks import rows, send
from tracking.tokens.token import Token

LINK, OTHER = Token(7, 0, 0), Token(7, 1, 0)
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_network_may_click_a_link_so_often_and_again_in_the_next_minute() -> None:
    clock = Clock()
    limit = ClickLimit(10, clock)
    assert [limit.allows(f"192.0.2.{n}", LINK, Verdict.HUMAN) for n in range(12)] == [True] * 10 + [False] * 2
    clock.now += 60.0
    assert [limit.allows("192.0.2.1", LINK, Verdict.HUMAN) for n in range(12)] == [True] * 10 + [False] * 2


def test_another_contacts_first_click_through_a_network_that_floods_counts() -> None:
    limit = ClickLimit(10, Clock())
    for _ in range(1000):
        limit.allows("192.0.2.1", LINK, Verdict.HUMAN)
    assert limit.allows("192.0.2.1", OTHER, Verdict.HUMAN)
    assert limit.allows("192.0.3.1", LINK, Verdict.HUMAN)
    assert not limit.allows("192.0.2.1", LINK, Verdict.HUMAN)


def test_a_persons_click_counts_after_a_machine_has_flooded_the_same_link() -> None:
    limit = ClickLimit(10, Clock())
    for _ in range(1000):
        limit.allows("192.0.2.1", LINK, Verdict.BOT)
    assert limit.allows("192.0.2.1", LINK, Verdict.HUMAN)


def test_a_million_contacts_behind_one_address_are_no_flood() -> None:
    limit = ClickLimit(1000, Clock())
    assert all(limit.allows("192.0.2.1", Token(7, person, 0), Verdict.HUMAN) for person in range(100_000))


def test_zero_is_no_limit() -> None:
    limit = ClickLimit(0)
    assert all(limit.allows("192.0.2.1", LINK, Verdict.HUMAN) for _ in range(2000))


def test_memory_stays_the_same_however_many_click() -> None:
    limit = ClickLimit(5, Clock())
    for person in range(10_000):
        limit.allows(f"10.{person % 256}.0.1", Token(1, person, 0), Verdict.HUMAN)
    assert len(limit._counts) == 2 * BUCKETS


async def test_beyond_the_limit_contacts_are_sent_on_and_counted(
    settings: Settings, temporal: Client, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=2)
    async with running(settings.model_copy(update={"click_limit": 3}), temporal) as contact:
        assert [(await contact.click(sent)).status_code for _ in range(8)] == [302] * 8
        assert (await contact.click(sent, 1)).status_code == 302
        assert "linkwake_flood_clicks_total 5.0" in await scraped(contact)
        await contact.app.state.parts.flood.write()
    assert await rows(database, "SELECT recipient_number, count(*) FROM click_inbox GROUP BY 1 ORDER BY 1") == [(0, 3), (1, 1)]
    assert await rows(database, "SELECT content_id, position, clicks FROM click_flood") == [(sent.content_id, 0, 5)]


async def test_counts_that_could_not_be_written_are_written_later(
    settings: Settings,
    temporal: Client,
    database: Database,
    organization: tuple[Organization, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*_: object) -> None:
        raise OSError("planted")

    sent = await send(database, organization[0].id)
    async with running(settings.model_copy(update={"click_limit": 1}), temporal) as contact:
        for _ in range(3):
            await contact.click(sent)
        with monkeypatch.context() as broken:
            broken.setattr(click_flood, "add", away)
            await contact.app.state.parts.flood.write()
        await contact.click(sent)
    assert await rows(database, "SELECT sum(clicks) FROM click_flood") == [3], "written at the end at the latest"


async def test_floods_are_counted_by_link_and_by_whole_hours(database: Database) -> None:
    counts = {Flooded(1, 0, NOON): 5, Flooded(1, 1, NOON): 7, Flooded(1, 0, NOON + HOUR): 11, Flooded(2, 0, NOON): 13}
    async with database.transaction() as session:
        await click_flood.add(session, counts)
        await click_flood.add(session, {Flooded(1, 0, NOON): 1})
        assert await count_flood(session, [1], None, None, None) == 24
        assert await count_flood(session, [1], 0, None, None) == 17
        assert await count_flood(session, [1], None, NOON + HOUR / 2, NOON + HOUR) == 13
        assert await count_flood(session, [1], None, NOON + HOUR, None) == 11
        assert await count_flood(session, [], None, None, None) == 0
