"""The limit for misses: guessing is stopped, known links never are, and memory does not grow."""

from temporalio.client import Client

from api.redirect.answering.rate_limit import BUCKETS, MissLimit
from models.database import Database
from models.organizations.organization import Organization
from settings import Settings
from tests.api.redirect.contact import running
from tests.clicks import send


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_network_may_miss_so_often_and_again_after_a_while() -> None:
    clock = Clock()
    limit = MissLimit(10, clock)
    assert [limit.allows(f"192.0.2.{n}") for n in range(12)] == [True] * 10 + [False] * 2
    clock.now += 6.0  # a tenth of a minute: one more
    assert [limit.allows("192.0.2.1"), limit.allows("192.0.2.2")] == [True, False]
    clock.now += 3600
    assert [limit.allows("192.0.2.1") for _ in range(12)] == [True] * 10 + [False] * 2


def test_who_is_refused_and_goes_on_is_not_refused_for_ever() -> None:
    clock = Clock()
    limit = MissLimit(60, clock)
    for _ in range(1000):
        limit.allows("192.0.2.1")
    clock.now += 1.0
    assert limit.allows("192.0.2.1")


def test_networks_do_not_disturb_each_other() -> None:
    limit = MissLimit(3, Clock())
    for _ in range(10):
        limit.allows("192.0.2.1")
    assert not limit.allows("192.0.2.200")
    assert limit.allows("192.0.3.1")
    assert [limit.allows(f"2001:db8:1:{n}::1") for n in range(4)] == [True, True, True, False]
    assert limit.allows("2001:db8:2::1")


def test_addresses_that_cannot_be_known_share_a_limit() -> None:
    limit = MissLimit(1, Clock())
    assert [limit.allows(None), limit.allows(None)] == [True, False]


def test_zero_is_no_limit() -> None:
    limit = MissLimit(0)
    assert all(limit.allows("192.0.2.1") for _ in range(1000))


def test_memory_stays_the_same_however_many_networks_ask() -> None:
    limit = MissLimit(5)
    for n in range(20_000):
        limit.allows(f"10.{n // 256}.{n % 256}.1")
    assert len(limit._left) == len(limit._since) == 2 * BUCKETS


async def test_beyond_the_limit_unknown_links_are_429_and_known_ones_still_lead_on(
    settings: Settings, temporal: Client, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id)
    async with running(settings.model_copy(update={"miss_limit": 3}), temporal) as contact:
        unknown = [contact.codec.encode(99_999, n, 0) for n in range(3)] + ["nonsense"]
        assert [(await contact.client.get(f"/{token}")).status_code for token in unknown] == [404, 404, 404, 429]
        refused = await contact.client.get("/AAAAAAAAAAAAAA")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "Too many unknown links from your network." in refused.text
        assert [(await contact.click(sent)).status_code for _ in range(5)] == [302] * 5
        elsewhere = await contact.client.get("/nonsense", headers={"X-Forwarded-For": "203.0.113.5"})
        assert elsewhere.status_code == 404
