"""Whatever the filter: one statement finds exactly those whom a plain reading of it in Python finds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.channels.channel import channels_by_name
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.contacts.contact import Contact
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization, create_organization
from models.paging import PageRequest
from models.segments.definition import Definition, as_json, read_definition
from models.segments.people import count_people, matching_people, newest_people, next_ids
from tests.rows import NOON, Rows, minutes

AT = NOON + timedelta(days=2)
TIMES = [NOON, minutes(30), NOON + timedelta(days=1), AT]


@dataclass
class Person:
    """What the model knows of a contact. `received` are (None, campaign, sequence) and when, `clicks` are (campaign, sequence,
    link) and when, `consent` is what was said last, by medium and kind."""

    row: Contact
    received: list[tuple[set[UUID | None], datetime]] = field(default_factory=list)
    clicks: list[tuple[set[UUID | None], datetime]] = field(default_factory=list)
    consent: dict[tuple[str, str], str] = field(default_factory=dict)
    replied: bool = False


@dataclass
class World:
    org_id: UUID
    people: list[Person]
    campaigns: list[UUID]
    sequence: UUID
    links: list[UUID]


PEOPLE: list[dict[str, Any]] = [
    {"first_name": "Ada", "email": "ada@example.com", "tags": ["a", "b"], "properties": {"plan": "gold", "n": 1}},
    {"first_name": "ada", "phone": "+12025550123", "tags": ["a"], "properties": {"plan": "Gold", "n": 2.5}},
    {"first_name": "Grace", "tags": ["b"], "properties": {"plan": ["gold", "old"], "n": "2026-03-01"}},
    {"last_name": "Ada", "time_zone": "Europe/London", "properties": {"plan": True, "n": "2026-03-01T09:00:00+02:00"}},
    {"email": "grace@example.com", "phone": "+12025550124", "tags": ["c"], "properties": {"n": True}},
    {"external_id": "x", "properties": {"plan": "marigold", "n": "2026-13-45"}},
    {"external_id": "y", "tags": ["a", "b", "c"], "properties": {"plan": {"gold": 1}, "n": 0}},
]


async def make_world(database: Database, org_id: UUID) -> World:
    rows = Rows(database, org_id)
    campaigns = [await rows.campaign(links=[("offer", "https://a.example"), ("news", "https://b.example")]) for _ in "12"]
    sequence = await rows.sequence()
    content = await rows.content_of_step(sequence, "hello")
    links = [link.id for each in (*(each.content_id for each in campaigns), content) for link in await rows.links(each)]
    people = []
    for number, fields in enumerate(PEOPLE):
        created_at = TIMES[number % len(TIMES)]
        people.append(Person(await rows.contact(**{"tags": [], "properties": {}, **fields}, created_at=created_at)))
    world = World(org_id, people, [each.id for each in campaigns], sequence.id, links)
    for number, person in enumerate(people):
        for place, campaign in enumerate(campaigns):
            if (number + place) % 3 == 0:
                continue
            state = MessageState.FAILED if number == 4 else MessageState.ACCEPTED
            at = TIMES[(number + place) % len(TIMES)]
            await click(
                rows,
                world,
                person,
                await rows.message(campaign.content_id, person.row, state, accepted_at=at),
                number + place,
                place * 2,
            )
        if number % 3 == 0:
            enrollment = await rows.enrollment(sequence, person.row)
            await click(
                rows, world, person, await rows.message(content, person.row, enrollment=enrollment, accepted_at=NOON), number, 4
            )
    await say(rows, people)
    return world


SAID: list[list[tuple[str, str | None, str | None]]] = [
    [],
    [("opted_out", None, None)],
    [("opted_out", None, None), ("opted_in", "sms", "marketing")],
    [("opted_in", "sms", None), ("unknown", None, "marketing")],
    [("opted_in", None, None), ("opted_out", "email", "transactional")],
]
"""What people say, in this order: the state, the medium and the kind, of which None means all."""
WRITTEN = [None, "reply", "stop", "perhaps_refusal", "help"]


async def say(rows: Rows, people: list[Person]) -> None:
    """People say something about messages, and write something. An answer about one channel counts for nothing here."""
    async with rows.database.transaction() as session:
        channel = (await channels_by_name(session, rows.org_id))["simulator-sms"]
        for number, person in enumerate(people):
            own: dict[str, Any] = {"org_id": rows.org_id, "contact_id": person.row.id}
            about = {**own, "source": ConsentSource.API}
            for place, (state, medium, kind) in enumerate(SAID[number % len(SAID)]):
                session.add(
                    Consent(**about, state=ConsentState(state), medium=medium, message_kind=kind, given_at=minutes(place))
                )
                person.consent |= {
                    (each, which): state
                    for each in ([medium] if medium else ["sms", "email"])
                    for which in ([kind] if kind else ["marketing", "transactional"])
                }
            only: dict[str, Any] = {"medium": "sms", "channel_id": channel.id}
            session.add(Consent(**about, **only, state=ConsentState.OPTED_OUT, given_at=AT))
            if meaning := WRITTEN[number % len(WRITTEN)]:
                wrote: dict[str, Any] = {"channel_id": channel.id, "provider_id": str(number), "meaning": InboundMeaning(meaning)}
                session.add(InboundMessage(**own, **wrote))
                person.replied = meaning in ("reply", "perhaps_refusal")


async def click(rows: Rows, world: World, person: Person, message: Message, number: int, first_link: int) -> None:
    """Clicks of a person and of a machine, or none, by the number."""
    if message.state == MessageState.ACCEPTED:
        assert message.accepted_at is not None
        person.received.append(({None, message.campaign_id, message.sequence_id}, message.accepted_at))
    if number % 4 == 1:
        await rows.click(message, 0, verdict="bot")
    for nth in range(number % 4 - 1):
        position = nth % 2 if message.campaign_id else 0
        at = TIMES[(number + nth) % 3]
        await rows.click(message, position, at=at)
        person.clicks.append(({message.campaign_id, message.sequence_id, world.links[first_link + position]}, at))


def holds(definition: Mapping[str, Any], person: Person, world: World) -> bool:
    """The reading in Python."""
    if "all" in definition:
        return all(holds(each, person, world) for each in definition["all"])
    if "any" in definition:
        return any(holds(each, person, world) for each in definition["any"])
    if "not" in definition:
        return not holds(definition["not"], person, world)
    return bool(KINDS[definition["kind"]](definition, person, world))


def _tags(definition: Mapping[str, Any], person: Person, _world: World) -> bool:
    has = [tag in person.row.tags for tag in definition["tags"]]
    return {"any": any(has), "all": all(has), "none": not any(has)}[definition["has"]]


def _field(definition: Mapping[str, Any], person: Person, _world: World) -> bool:
    value = getattr(person.row, definition["name"])
    answers = []
    if "equals" in definition:
        answers.append(value == definition["equals"])
    if "not_equals" in definition:
        answers.append(value != definition["not_equals"])
    if "contains" in definition:
        answers.append(value is not None and definition["contains"].lower() in value.lower())
    if "exists" in definition:
        answers.append((value is not None) == definition["exists"])
    return all(answers)


def _property(definition: Mapping[str, Any], person: Person, _world: World) -> bool:
    name, properties = definition["name"], person.row.properties
    value = properties.get(name)
    answers = []
    if "equals" in definition:
        answers.append(_same(value, definition["equals"]))
    if "not_equals" in definition:
        answers.append(not _same(value, definition["not_equals"]))
    if "contains" in definition:
        part = definition["contains"]
        answers.append(
            isinstance(value, str | list) and (part.lower() in value.lower() if isinstance(value, str) else part in value)
        )
    if "exists" in definition:
        answers.append((name in properties) == definition["exists"])
    if "greater" in definition:
        answers.append(_less(definition["greater"], value))
    if "less" in definition:
        answers.append(_less(value, definition["less"]))
    return all(answers)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        times = [_time(one), _time(other)]
        return times[0] is not None and times[1] is not None and times[0] < times[1]
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
    return numbers and bool(one < other)


def _time(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC)


def _compare(time: datetime, definition: Mapping[str, Any]) -> bool:
    within, longer_ago = (definition.get(name) for name in ("within", "longer_ago"))
    return all(
        [
            "after" not in definition or time >= datetime.fromisoformat(definition["after"]),
            "before" not in definition or time < datetime.fromisoformat(definition["before"]),
            within is None or time >= AT - timedelta(days=int(within[1:-1])),
            longer_ago is None or time < AT - timedelta(days=int(longer_ago[1:-1])),
        ]
    )


def _clicked(definition: Mapping[str, Any], person: Person, world: World) -> bool:
    wanted = [definition[name] for name in ("campaign_id", "sequence_id", "link_id") if name in definition]
    links = {"offer": world.links[::2], "news": world.links[1:4:2]}.get(definition.get("link", ""), world.links)
    clicked = any(all(UUID(each) in scopes for each in wanted) and not scopes.isdisjoint({*links}) for scopes, _ in person.clicks)
    return bool(clicked == (definition["kind"] == "clicked"))


def _clicks(definition: Mapping[str, Any], person: Person, _world: World) -> bool:
    count = len(person.clicks)
    return bool(definition.get("at_least", 0) <= count <= definition.get("at_most", count))


def _received(definition: Mapping[str, Any], person: Person, _world: World) -> bool:
    wanted = definition.get("campaign_id", definition.get("sequence_id"))
    scope = UUID(wanted) if wanted else None
    found = [at for scopes, at in person.received if scope in scopes and _compare(at, definition)]
    return len(found) >= int(definition.get("at_least", 1))


KINDS: dict[str, Any] = {
    "tags": _tags,
    "field": _field,
    "property": _property,
    "has_phone": lambda _definition, person, _world: person.row.phone is not None,
    "has_email": lambda _definition, person, _world: person.row.email is not None,
    "created_at": lambda definition, person, _world: _compare(person.row.created_at, definition),
    "last_click": lambda definition, person, _world: (
        bool(person.clicks) and _compare(max(at for _, at in person.clicks), definition)
    ),
    "clicked": _clicked,
    "not_clicked": _clicked,
    "clicks": _clicks,
    "received": _received,
    "consent": lambda definition, person, _world: (
        person.consent.get((definition["medium"], definition["message_kind"]), "unknown") == definition["state"]
    ),
    "replied": lambda _definition, person, _world: person.replied,
}


def one_of(**choices: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with one or two of the fields."""
    fields = {name: st.sampled_from(values) for name, values in choices.items()}
    one = st.sampled_from(sorted(fields)).flatmap(lambda name: st.fixed_dictionaries({name: fields[name]}))
    return st.builds(lambda a, b: a | b, one, one)


def conditions(world: World) -> st.SearchStrategy[dict[str, Any]]:
    moments = [each.isoformat() for each in TIMES]
    times = one_of(after=moments, before=moments, within=["P1D", "P2D", "P3D"], longer_ago=["P1D", "P2D"])
    texts = ["Ada", "ada", "ADA", "da", "x", "gold", "Europe/London"]
    campaigns = [str(each) for each in world.campaigns]
    scopes = st.sampled_from(
        [
            {},
            *({"campaign_id": each, **link} for each in campaigns for link in ({}, {"link": "offer"}, {"link": "news"})),
            *({"sequence_id": str(world.sequence), **link} for link in ({}, {"link": "offer"})),
            *({"link_id": str(each)} for each in world.links),
        ]
    )
    properties = one_of(
        equals=["gold", "Gold", 1, 2.5, True, False, 0],
        not_equals=["gold", 1, True],
        contains=["gold", "GOLD", "old"],
        exists=[True, False],
        greater=[0, 1.5, "2026-01-01", "2026-03-01T08:00:00Z"],
        less=[2, 2.5, "2026-03-01T08:00:00Z", "2027-01-01"],
    )
    leaves = st.one_of(
        st.builds(
            lambda has, tags: {"kind": "tags", "has": has, "tags": tags},
            st.sampled_from(["any", "all", "none"]),
            st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=3, unique=True),
        ),
        st.builds(
            lambda name, rest: {"kind": "field", "name": name, **rest},
            st.sampled_from(["first_name", "last_name", "external_id", "time_zone"]),
            one_of(equals=texts, not_equals=texts, contains=texts, exists=[True, False]),
        ),
        st.builds(
            lambda name, rest: {"kind": "property", "name": name, **rest}, st.sampled_from(["plan", "n", "no"]), properties
        ),
        st.sampled_from([{"kind": "has_phone"}, {"kind": "has_email"}]),
        st.builds(lambda kind, rest: {"kind": kind, **rest}, st.sampled_from(["created_at", "last_click"]), times),
        st.builds(lambda kind, rest: {"kind": kind, **rest}, st.sampled_from(["clicked", "not_clicked"]), scopes),
        st.builds(lambda rest: {"kind": "clicks", **rest}, one_of(at_least=[0, 1, 2, 3], at_most=[0, 1, 2])),
        st.builds(
            lambda state, medium, rest: {"kind": "consent", "state": state, "medium": medium, **rest},
            st.sampled_from(["opted_in", "opted_out", "unknown"]),
            st.sampled_from(["sms", "email"]),
            st.sampled_from([{}, {"message_kind": "marketing"}, {"message_kind": "transactional"}]),
        ),
        st.just({"kind": "replied"}),
        st.builds(
            lambda scope, rest: {"kind": "received", **scope, **rest},
            st.sampled_from([{}, {"sequence_id": str(world.sequence)}, *({"campaign_id": each} for each in campaigns)]),
            st.one_of(st.just({}), times),
        ),
        st.builds(
            lambda scope, number, rest: {"kind": "received", **scope, "at_least": number, **rest},
            st.sampled_from([{}, {"sequence_id": str(world.sequence)}]),
            st.sampled_from([1, 2, 3]),
            st.one_of(st.just({}), times),
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
            inner.map(lambda each: {"not": each}),
        ),
        max_leaves=6,
    )


async def test_a_filter_finds_those_whom_its_plain_reading_finds(
    database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    world = await make_world(database, organization[0].id)
    await make_world(database, other.id)  # the same people of somebody else
    seen = Counter[str]()
    filters: list[dict[str, Any]] = []

    @settings(max_examples=250, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(conditions(world))
    def collect(definition: dict[str, Any]) -> None:
        filters.append(definition)

    collect()
    for written in filters:
        definition = read_definition(written)
        expected = {each.row.id for each in world.people if holds(as_json(definition), each, world)}
        assert await found(database, world, definition) == [expected] * 4, written
        seen["everybody" if len(expected) == len(PEOPLE) else "some" if expected else "nobody"] += 1
    assert min(seen["everybody"], seen["some"], seen["nobody"]) > 5, seen


async def found(database: Database, world: World, definition: Definition) -> list[set[UUID]]:
    """Whom each of the questions finds: both orders page by page, those of all contacts who match, and as many as are counted."""
    everybody = [each.row.id for each in world.people]
    async with database.transaction() as session:
        newest: list[UUID] = []
        page: UUID | None = None
        while True:
            rows, page = await newest_people(session, world.org_id, definition, AT, PageRequest(page, 2))
            newest += [row.id for row in rows]
            if page is None:
                break
        oldest: list[UUID] = []
        while ids := await next_ids(session, world.org_id, definition, AT, oldest[-1] if oldest else None, 3):
            oldest += ids
        matching = await matching_people(session, world.org_id, definition, AT, everybody)
        count = await count_people(session, world.org_id, definition, AT)
        assert await session.scalar(text("SELECT current_setting('enable_sort')")) == "on"
    assert (newest, oldest) == (sorted(newest, reverse=True), sorted(oldest))
    assert len(newest) == len({*newest}) == count
    return [{*newest}, {*oldest}, matching, {*newest}]
