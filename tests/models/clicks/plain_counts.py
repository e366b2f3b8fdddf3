"""What counters of clicks should have, kept in Python by counting each click anew: the slow and obvious way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from models.base import EPOCH
from models.clicks.recording import Metadata
from tests.clicks import Sent

Key = tuple[object, ...]
NO_LINK = UUID(int=0)
DELAYS = ((1, "<1m"), (5, "1-5m"), (15, "5-15m"), (60, "15-60m"), (180, "1-3h"), (720, "3-12h"), (1440, "12-24h"))


@dataclass
class PlainClick:
    id: UUID
    sent: Sent
    person: int
    position: int
    at: datetime
    verdict: str
    metadata: Metadata | None
    sent_at: datetime | None

    @property
    def contact(self) -> UUID:
        return self.sent.contacts[self.person]

    @property
    def link(self) -> UUID:
        return self.sent.link_ids[self.position]

    @property
    def scopes(self) -> list[tuple[str, UUID]]:
        """Where it counts, except in the organization."""
        owners = [("campaign", self.sent.scope.get("campaign_id")), ("sequence", self.sent.scope.get("sequence_id"))]
        return [(scope, id) for scope, id in owners if id is not None] or [("link", self.link)]

    @property
    def person_scopes(self) -> set[tuple[str, UUID]]:
        return {*self.scopes, ("link", self.link)}

    @property
    def bucket(self) -> datetime:
        return EPOCH + (self.at - EPOCH) // timedelta(minutes=15) * timedelta(minutes=15)

    @property
    def cells(self) -> list[Key]:
        """Its rows of `click_series`."""
        return [
            *((scope, id, self.link, self.verdict, self.bucket) for scope, id in self.scopes),
            ("organization", self.sent.org_id, NO_LINK, self.verdict, self.bucket),
        ]

    @property
    def values(self) -> list[tuple[str, str]]:
        known = self.metadata or Metadata(None, None, "", None, None)
        named = {name: getattr(known, name) or "" for name in ("country", "device_type", "browser", "os")}
        place = {name: f"{known.country or ''}/{getattr(known, name) or ''}" for name in ("city", "region")}
        return [*named.items(), *((name, "" if value == "/" else value) for name, value in place.items()), ("delay", self.delay)]

    @property
    def delay(self) -> str:
        if self.sent_at is None:
            return ""
        minutes = (self.at - self.sent_at) / timedelta(minutes=1)
        return next((name for limit, name in DELAYS if minutes < limit), "1-3d")


@dataclass
class Retired:
    """A click whose row is gone, with what it was counted as for ever: in which scopes it was its person's first one."""

    click: PlainClick
    first_in: set[tuple[str, UUID]]


@dataclass
class PlainCounts:
    """`firsts` names each person's first click in a scope with a verdict. `times` are the oldest and newest time of a row of
    `click_series`, which also those know whose rows are gone."""

    clicks: dict[UUID, PlainClick] = field(default_factory=dict)
    retired: list[Retired] = field(default_factory=list)
    firsts: dict[Key, UUID] = field(default_factory=dict)
    times: dict[Key, tuple[datetime, datetime]] = field(default_factory=dict)

    def record(self, clicks: Iterable[PlainClick]) -> None:
        known = {each.click.id for each in self.retired} | self.clicks.keys()
        for click in sorted({each.id: each for each in clicks if each.id not in known}.values(), key=lambda each: each.id):
            self.clicks[click.id] = click
            self._enter(click)

    def _enter(self, click: PlainClick) -> None:
        for scope in click.person_scopes:
            self.firsts.setdefault((*scope, click.verdict, click.contact), click.id)
        for cell in click.cells:
            first, last = self.times.get(cell, (click.at, click.at))
            self.times[cell] = min(first, click.at), max(last, click.at)

    def correct(self, id: UUID, verdict: str) -> None:
        click = self.clicks[id]
        if click.verdict == verdict:
            return
        left, old = click.cells, click.verdict
        for scope in click.person_scopes:
            if self.firsts[*scope, old, click.contact] == id:
                del self.firsts[*scope, old, click.contact]
        click.verdict = verdict
        self.name_oldest()
        for cell in left:
            if any(cell in each.click.cells for each in self.retired):
                continue
            at = [each.at for each in self.clicks.values() if cell in each.cells]
            self.times.pop(cell)
            if at:
                self.times[cell] = min(at), max(at)
        self._enter(click)

    def name_oldest(self) -> None:
        """Where a person has clicks and no first one, the oldest one is it."""
        for click in sorted(self.clicks.values(), key=lambda each: each.id):
            for scope in click.person_scopes:
                self.firsts.setdefault((*scope, click.verdict, click.contact), click.id)

    def forget_firsts(self) -> None:
        """Of all those that are left."""
        self.firsts = {key: id for key, id in self.firsts.items() if id not in self.clicks}
        self.name_oldest()

    def retire(self, before: datetime, limit: int) -> None:
        for click in sorted((each for each in self.clicks.values() if each.at < before), key=lambda each: each.id)[:limit]:
            self.retired.append(Retired(click, self._first_in(click)))
            del self.clicks[click.id]

    def firsts_gone(self) -> set[UUID]:
        """Those of `firsts` whose rows are gone."""
        return {id for id in self.firsts.values() if id not in self.clicks}

    def _first_in(self, click: PlainClick) -> set[tuple[str, UUID]]:
        return {scope for scope in click.person_scopes if self.firsts[*scope, click.verdict, click.contact] == click.id}

    def _all(self) -> Iterator[tuple[PlainClick, set[tuple[str, UUID]], bool]]:
        yield from ((click, self._first_in(click), False) for click in self.clicks.values())
        yield from ((each.click, each.first_in, True) for each in self.retired)

    def series(self) -> dict[Key, Key]:
        """Clicks, people, link_people, retired_clicks, first_at and last_at by key."""
        counts: dict[Key, list[int]] = {}
        for click, first_in, gone in self._all():
            for cell in click.cells:
                of_organization = cell[0] == "organization"
                people = 0 if of_organization else int((cell[0], cell[1]) in first_in)
                link_people = 0 if of_organization else int(("link", click.link) in first_in)
                _add(counts, cell, (1, people, link_people, int(gone)))
        return {cell: (*count, *self.times[cell]) for cell, count in counts.items()}

    def by(self) -> dict[Key, Key]:
        """Clicks, people, link_people and retired_clicks by key."""
        counts: dict[Key, list[int]] = {}
        for click, first_in, gone in self._all():
            for scope in click.scopes:
                for value in click.values:
                    counted = (1, int(scope in first_in), int(("link", click.link) in first_in), int(gone))
                    _add(counts, (*scope, click.link, click.verdict, *value), counted)
        return {key: tuple(count) for key, count in counts.items()}

    def engagement(self) -> dict[Key, Key]:
        """Clicks and retired clicks of people."""
        counts: dict[Key, list[int]] = {}
        for click, _, gone in self._all():
            if click.verdict == "human":
                _add(counts, (click.contact,), (1, int(gone)))
        return {key: tuple(count) for key, count in counts.items()}


def _add(counts: dict[Key, list[int]], key: Key, added: tuple[int, ...]) -> None:
    counts[key] = [have + more for have, more in zip(counts.get(key, [0] * len(added)), added, strict=True)]
