"""Filters of analytics: whatever is asked, the numbers are those of plain counting, from counters and from rows alike."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from api.handling.services import Services
from models.clicks.recording import Metadata
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.reports import answer, rows
from tests.builders import Caller, is_problem
from tests.plans import scans_without_index, statements
from tests.rows import OFFER, Rows, minutes

TERMS = (None, "https://shop.example/terms")
PLACES = [
    Metadata("DE", "Berlin", "phone", "Safari", "iOS"),
    Metadata("DE", "Hamburg", "desktop", "Firefox", "Linux"),
    Metadata("FR", "Paris", "phone", "Chrome", "Android"),
    Metadata("US", "Paris", "tablet", "Safari", "iOS"),
    None,
]
VERDICTS = ["human", "human", "human", "bot", "suspect"]


@dataclass(frozen=True)
class Clicked:
    """A click as it was made, in the order of recording. Ids follow `at`."""

    contact: int
    link: int
    verdict: str
    at: datetime
    metadata: Metadata | None

    def fits(self, name: str, value: str) -> bool:
        return getattr(self.metadata, name, None) == value


@dataclass
class World:
    campaign: UUID
    links: list[UUID]
    clicks: list[Clicked] = field(default_factory=list)
    tagged: frozenset[int] = frozenset()

    def count(self, verdict: str, chosen: Callable[[Clicked], bool], link: int | None = None) -> tuple[list[Clicked], int]:
        """The clicks that are chosen, and the people whose first click is among them."""
        wanted = [each for each in self.clicks if verdict in ("all", each.verdict) and link in (None, each.link)]
        firsts: dict[tuple[int, str], Clicked] = {}
        for each in wanted:
            firsts.setdefault((each.contact, each.verdict), each)
        people: dict[int, Clicked] = {}
        for (contact, _), each in firsts.items():
            people[contact] = min(people.get(contact, each), each, key=lambda click: click.at)
        return [each for each in wanted if chosen(each)], sum(chosen(each) for each in people.values())


@pytest.fixture
def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def make_world(made: Rows, number: int = 40) -> World:
    random = Random(7)
    campaign = await made.campaign(links=(OFFER, TERMS))
    contacts = [await made.contact(tags=["vip"] if n % 3 == 0 else []) for n in range(9)]
    messages = [await made.message(campaign.content_id, each) for each in contacts]
    links = [link.id for link in await made.links(campaign.content_id)]
    world = World(campaign.id, links, tagged=frozenset(range(0, 9, 3)))
    times = random.sample(range(0, 3 * 24 * 60), number)
    for at in times:
        click = Clicked(random.randrange(9), random.randrange(2), random.choice(VERDICTS), minutes(at), random.choice(PLACES))
        world.clicks.append(click)
        await made.click(messages[click.contact], click.link, at=click.at, verdict=click.verdict, metadata=click.metadata)
    return world


async def read(api: Caller, path: str, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"{path}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def counts(cells: list[dict[str, Any]], key: str) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for cell in cells:
        found[cell[key]] += cell["clicks"]
    return dict(found)


SINCE, UNTIL = minutes(12 * 60), minutes(48 * 60)
FILTERS: list[dict[str, str]] = [
    {},
    {"since": SINCE.isoformat()},
    {"since": SINCE.isoformat(), "until": UNTIL.isoformat()},
    {"country": "DE"},
    {"city": "Paris"},
    {"country": "FR", "city": "Paris"},
    {"device_type": "phone"},
    {"browser": "Safari"},
    {"os": "Linux"},
    {"tag": "vip"},
    {"country": "DE", "until": UNTIL.isoformat()},
    {"country": "DE", "device_type": "phone"},
    {"tag": "vip", "country": "DE", "since": SINCE.isoformat()},
    {"browser": "Netscape"},
]


def chosen(world: World, filters: dict[str, str]) -> Callable[[Clicked], bool]:
    since, until = (datetime.fromisoformat(filters[name]) if name in filters else None for name in ("since", "until"))

    def fits(click: Clicked) -> bool:
        return (
            (since is None or click.at >= since)
            and (until is None or click.at < until)
            and ("tag" not in filters or click.contact in world.tagged)
            and all(click.fits(*each) for each in filters.items() if each[0] not in ("since", "until", "tag"))
        )

    return fits


async def test_whatever_is_asked_the_numbers_are_those_of_plain_counting(api: Caller, made: Rows) -> None:
    world = await make_world(made)
    for filters, verdict, link in product(FILTERS, ("human", "all"), (None, 0)):
        params = {**filters, "verdict": verdict} | ({} if link is None else {"link_id": str(world.links[link])})
        body = await read(api, f"/campaigns/{world.campaign}", **params)
        clicks, people = world.count(verdict, chosen(world, filters), link)
        assert (body["totals"]["clicks"], body["totals"]["people"]) == (len(clicks), people), params
        assert sum(each["clicks"] for each in body["series"]) == len(clicks), params
        assert sum(each["people"] for each in body["series"]) == people, params
        assert counts(body["countries"], "country") == count_by(clicks, "country"), params
        assert counts(body["devices"], "device_type") == count_by(clicks, "device_type"), params
        assert sum(each["people"] for each in body["browsers"]) == people, params
        for each in body["links"]:
            place = world.links.index(UUID(each["link_id"]))
            of_link, link_people = world.count(verdict, chosen(world, filters), place)
            assert (each["clicks"], each["people"]) == (len(of_link), link_people), params
        assert body["filters"] == {name: value for name, value in params.items() if name not in ("since", "until", "verdict")}


def count_by(clicks: Iterable[Clicked], name: str) -> dict[str | None, int]:
    return dict(Counter(getattr(each.metadata, name, None) for each in clicks))


@pytest.mark.parametrize(
    ("params", "sources"),
    [
        ({}, ("counters", "counters", "counters")),
        ({"verdict": "all"}, ("counters", "counters", "counters")),
        ({"since": "2026-11-03"}, ("counters", "counters", "rows")),
        ({"country": "DE"}, ("counters", "rows", "rows")),
        ({"country": "DE", "city": "Berlin"}, ("counters", "rows", "rows")),
        ({"country": "DE", "verdict": "all"}, ("rows", "rows", "rows")),
        ({"country": "DE", "os": "iOS"}, ("rows", "rows", "rows")),
        ({"tag": "vip"}, ("rows", "rows", "rows")),
        ({"country": "DE", "since": "2026-11-03"}, ("rows", "rows", "rows")),
    ],
)
async def test_one_filter_is_answered_by_counters_and_two_by_rows(
    api: Caller, made: Rows, params: dict[str, str], sources: tuple[str, ...]
) -> None:
    world = await make_world(made, 6)
    found = (await read(api, f"/campaigns/{world.campaign}", **params))["sources"]
    assert (found["totals"], found["series"], found["values"]) == sources


async def test_too_many_rows_are_refused_with_what_to_narrow(api: Caller, made: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await make_world(made)
    monkeypatch.setattr(answer, "MOST_ROWS", 3)
    path = f"/campaigns/{world.campaign}"
    refused = await api.get(f"{path}/analytics", params={"country": "DE", "device_type": "phone"})
    assert is_problem(refused, 422, "too_much")
    assert [each["field"] for each in refused.json()["errors"]] == ["since", "until"]
    body = await read(api, path, since="2026-11-03")
    assert (body["sources"]["totals"], body["sources"]["series"], body["sources"]["values"]) == ("counters", "counters", None)
    assert body["totals"]["clicks"] == len(world.count("human", lambda _: True)[0])
    assert (body["countries"], body["series"] != []) == ([], True)
    body = await read(api, path, country="DE")
    assert (body["sources"]["series"], body["series"], body["totals"]["clicks"] > 3) == (None, [], True)
    few = await read(api, path, tag="vip")
    assert few["sources"]["totals"] == "rows", "few people are found by their tag, however many clicks there are"


async def test_a_part_is_left_out_by_the_counters_before_rows_are_read(
    api: Caller, made: Rows, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world(made)
    monkeypatch.setattr(answer, "FEW_ROWS", 3)
    path = f"/campaigns/{world.campaign}"
    for params in ({"device_type": "phone"}, {"since": "2026-11-03"}):
        with statements(database) as asked:
            body = await read(api, path, **params)
        assert (body["sources"]["totals"], body["sources"]["values"]) == ("counters", None)
        assert not [each for each in asked if "WITH chosen" in str(each)]
    assert (await read(api, path, device_type="phone", country="DE"))["sources"]["totals"] == "rows"


@pytest.mark.parametrize(
    "query",
    ["since=0001-01-01T00:00:00Z&time_zone=America/New_York", "until=9999-12-31T23:59:59Z&time_zone=Europe/Berlin"],
)
async def test_a_time_that_the_zone_cannot_show_is_refused(api: Caller, made: Rows, query: str) -> None:
    world, sequence, contact = await make_world(made, 6), await made.sequence(), await made.contact()
    owners = (f"campaigns/{world.campaign}", f"sequences/{sequence.id}", f"links/{world.links[0]}", f"contacts/{contact.id}")
    for path in (*(f"/{owner}/analytics" for owner in owners), "/clicks", "/exports/clicks"):
        refused = await api.get(f"{path}?{query}")
        assert is_problem(refused, 422, "invalid"), path
        assert [each["field"] for each in refused.json()["errors"]] == [query.split("=")[0]]
        assert (await api.get(f"{path}?{query.split('&')[0]}&time_zone=UTC")).status_code == 200


async def test_a_statement_that_takes_too_long_is_ended_and_refused(
    api: Caller, made: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world(made, 6)
    slow = rows.CHOSEN.replace("FROM click LEFT JOIN", "FROM pg_sleep(5), click LEFT JOIN")
    monkeypatch.setattr(rows, "CHOSEN", slow)
    monkeypatch.setattr(answer, "SECONDS", 0.2)
    refused = await api.get(f"/campaigns/{world.campaign}/analytics", params={"country": "DE", "device_type": "phone"})
    assert is_problem(refused, 422, "too_much")
    body = await read(api, f"/campaigns/{world.campaign}", since="2026-11-03")
    assert body["sources"]["values"] is None
    assert (await read(api, f"/campaigns/{world.campaign}"))["sources"]["values"] == "counters"


async def test_an_organization_reads_rows_for_one_report_at_a_time(
    api: Caller, made: Rows, services: Services, database: Database
) -> None:
    world = await make_world(made, 6)
    async with database.transaction() as session:
        other, key = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).campaign()
    two = {"country": "DE", "device_type": "phone"}
    async with services.row_turns.turn(made.org_id):
        refused = await api.get(f"/campaigns/{world.campaign}/analytics", params=two)
        assert is_problem(refused, 429, "too_many_requests")
        assert is_problem(await api.get("/clicks", params={"city": "Paris"}), 429, "too_many_requests")
        assert (await read(api, f"/campaigns/{world.campaign}", country="DE"))["sources"]["totals"] == "counters"
        assert (await api.with_key(key).get(f"/campaigns/{theirs.id}/analytics", params=two)).status_code == 200
    assert (await api.get(f"/campaigns/{world.campaign}/analytics", params=two)).status_code == 200


async def test_an_answer_from_rows_says_since_when_they_exist(api: Caller, made: Rows, database: Database) -> None:
    world = await make_world(made)
    path = f"/campaigns/{world.campaign}"
    assert (await read(api, path, tag="vip"))["rows_since"] is None
    async with database.transaction() as session:
        statement = "UPDATE click_series SET retired_clicks = clicks WHERE bucket <= '2026-11-04T00:00:00Z'"
        await session.execute(text(statement))
        last = await session.scalar(text("SELECT max(bucket) FROM click_series WHERE retired_clicks > 0"))
    expected = (last + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")
    assert (await read(api, path, tag="vip"))["rows_since"] == expected
    assert (await read(api, path, since="2026-11-03"))["rows_since"] == expected
    assert (await read(api, path))["rows_since"] is None


async def test_a_filter_that_is_somebody_elses_is_not_found(api: Caller, made: Rows, database: Database) -> None:
    world, sequence = await make_world(made, 6), await made.sequence()
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    stranger = Rows(database, other.id)
    await stranger.contact(tags=["theirs"])
    theirs = await stranger.links((await stranger.campaign()).content_id)
    for owner, params in (
        (f"/campaigns/{world.campaign}", {"link_id": str(theirs[0].id)}),
        (f"/campaigns/{world.campaign}", {"link_id": str(uuid4())}),
        (f"/sequences/{sequence.id}", {"link_id": str(world.links[0])}),
        (f"/campaigns/{world.campaign}", {"tag": "theirs"}),
        (f"/links/{world.links[0]}", {"tag": "theirs"}),
    ):
        refused = await api.get(f"{owner}/analytics", params=params)
        assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (404, list(params))
    refused = await api.get("/clicks", params={"tag": "theirs"})
    assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (404, ["tag"])


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"since": "2026-11-04", "until": "2026-11-03"}, ["until"]),
        ({"since": "2026-11-03T10:00Z", "until": "2026-11-03T10:30+01:00"}, ["until"]),
        ({"since": "0001-01-01", "time_zone": "Asia/Kathmandu"}, ["since"]),
        ({"until": "9999-12-31T23:59", "time_zone": "America/New_York"}, ["until"]),
        ({"since": "soon"}, ["since"]),
        ({"time_zone": "Berlin"}, ["time_zone"]),
        ({"country": "ZZ"}, ["country"]),
        ({"country": "Germany"}, ["country"]),
        ({"device_type": "fridge"}, ["device_type"]),
        ({"city": "\x00"}, ["city"]),
        ({"browser": ""}, ["browser"]),
        ({"tag": " "}, ["tag"]),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_refused(
    api: Caller, made: Rows, params: dict[str, str], fields: list[str]
) -> None:
    campaign = await made.campaign()
    for path in (f"/campaigns/{campaign.id}/analytics", "/clicks"):
        refused = await api.get(path, params=params)
        assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (422, fields), path


async def test_a_country_in_small_letters_is_told_to_be_written_in_capitals(api: Caller) -> None:
    for country in ("gb", "Germany", "ＧＢ"):
        refused = await api.get("/clicks", params={"country": country})
        assert [each["message"] for each in refused.json()["errors"]] == [
            "Write the two capital letters of ISO 3166-1, such as DE."
        ]


async def test_local_times_are_those_of_the_organization_unless_another_zone_is_given(
    api: Caller, made: Rows, database: Database
) -> None:
    campaign = await made.campaign()
    message = await made.message(campaign.content_id, await made.contact())
    await made.click(message, at=datetime(2026, 11, 3, 18, 14, tzinfo=UTC))
    await made.click(message, at=datetime(2026, 11, 3, 18, 15, tzinfo=UTC))
    async with database.transaction() as session:
        org = await session.get_one(Organization, made.org_id)
        org.time_zone = "Asia/Kathmandu"
    path = f"/campaigns/{campaign.id}"
    body = await read(api, path, since="2026-11-04", interval="day")
    assert (body["totals"]["clicks"], body["time_zone"], body["since"]) == (1, "Asia/Kathmandu", "2026-11-04T00:00:00+05:45")
    assert [each["at"] for each in body["series"]] == ["2026-11-04T00:00:00+05:45"]
    assert (await read(api, path, until="2026-11-04"))["totals"]["clicks"] == 1
    assert (await read(api, path, since="2026-11-04", time_zone="UTC"))["totals"]["clicks"] == 0
    assert (await read(api, path, since="2026-11-03T18:00:00Z"))["totals"]["clicks"] == 2
    assert len((await api.get("/clicks", params={"since": "2026-11-04"})).json()["items"]) == 1


ZONES = [
    "UTC",
    "Asia/Kathmandu",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
]
FIRST, LAST = date(2026, 3, 1), date(2026, 11, 30)
DAYS = (LAST - FIRST).days


@pytest.fixture
async def year(made: Rows) -> World:
    """Clicks around the days on which clocks change."""
    random, campaign = Random(3), await made.campaign()
    messages = [await made.message(campaign.content_id, await made.contact()) for _ in range(4)]
    world = World(campaign.id, [])
    changes = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 9, 6), date(2026, 10, 4), date(2026, 11, 1)]
    for day in changes * 8:
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=random.randrange(-600, 2400))
        if any(each.at == at for each in world.clicks):
            continue
        world.clicks.append(Clicked(random.randrange(4), 0, "human", at, None))
        await made.click(messages[world.clicks[-1].contact], at=at, metadata=None)
    return world


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=st.sampled_from(ZONES), first=st.integers(0, DAYS), days=st.integers(0, 60))
async def test_local_days_are_those_of_plain_counting(api: Caller, year: World, zone: str, first: int, days: int) -> None:
    since = FIRST + timedelta(days=first)
    until = since + timedelta(days=days)
    body = await read(
        api, f"/campaigns/{year.campaign}", since=since.isoformat(), until=until.isoformat(), time_zone=zone, interval="day"
    )
    local = {click: click.at.astimezone(ZoneInfo(zone)).date() for click in year.clicks}
    clicks, people = year.count("human", lambda click: since <= local[click] < until)
    assert (body["totals"]["clicks"], body["totals"]["people"]) == (len(clicks), people)
    found = {datetime.fromisoformat(each["at"]).date(): each["clicks"] for each in body["series"]}
    assert found == Counter(local[each] for each in clicks)


async def test_every_report_from_rows_uses_an_index(api: Caller, made: Rows, database: Database) -> None:
    world, sequence = await make_world(made, 6), await made.sequence()
    for owner in (f"/campaigns/{world.campaign}", f"/sequences/{sequence.id}", f"/links/{world.links[0]}"):
        for params in FILTERS:
            with statements(database) as sent:
                await read(api, owner, **params)
            assert await scans_without_index(database, sent) == [], params
