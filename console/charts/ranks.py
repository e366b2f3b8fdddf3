"""Ranked lists of a report: countries, regions, cities, devices, browsers and systems, each with the filter of a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.filters import device
from console.page import Page
from console.words.places import country

SHOWN, MOST = 8, 200
"""The rows of a list, and of one of which all are wanted."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RankRow:
    """`href` is empty for what no filter finds: what is not known, and what is put together."""

    name: str
    code: str
    people: int
    clicks: int
    href: str
    percent: float
    unknown: bool = False


@dataclass(frozen=True)
class Rank:
    """`more` is the address that shows all rows; empty when they are all there."""

    name: str
    title: str
    rows: Sequence[RankRow]
    more: str
    is_place: bool


@dataclass(frozen=True)
class _Kind:
    """`of` is the field of the report, `field` the field of its rows, and `one` and `many` what they are called."""

    of: str
    field: str
    one: str
    many: str
    named: Callable[[Row], str]


KINDS = (
    _Kind("countries", "country", "Country", "countries", lambda row: country(row["country"])),
    _Kind("regions", "region", "Region", "regions", lambda row: row["region"] or "Not known"),
    _Kind("cities", "city", "City", "cities", lambda row: row["city"] or "Not known"),
    _Kind("devices", "device_type", "Device", "devices", lambda row: device(row["device_type"])),
    _Kind("browsers", "browser", "Browser", "browsers", lambda row: row["browser"] or "Not known"),
    _Kind("systems", "os", "System", "systems", lambda row: row["os"] or "Not known"),
)


def ranks(numbers: Mapping[str, Any], page: Page) -> list[Rank]:
    """`?all=cities` in the page's address shows all rows of one list."""
    return [_rank(numbers[kind.of], kind, page) for kind in KINDS]


def _rank(rows: Sequence[Row], kind: _Kind, page: Page) -> Rank:
    ranked = sorted(rows, key=lambda row: (row[kind.field] is None, -row["people"], -row["clicks"]))
    by = "people" if any(row["people"] for row in ranked) else "clicks"
    whole = sum(row[by] for row in ranked) or 1

    def shown(row: Row) -> RankRow:
        known = row[kind.field] is not None
        narrowed = {kind.field: row[kind.field], **({"country": row["country"]} if row.get("country") else {})}
        code = row["country"] or "" if kind.field == "country" else ""
        href = page.address(**narrowed, all=None) if known else ""
        return RankRow(kind.named(row), code, row["people"], row["clicks"], href, 100 * row[by] / whole, not known)

    known, unknown = [row for row in ranked if row[kind.field] is not None], [row for row in ranked if row[kind.field] is None]
    unknown = [{kind.field: None, "country": None, **_both(unknown)}] if unknown else []
    all_wanted = page.query("all") == kind.of
    most = MOST if all_wanted else SHOWN
    listed, rest = known[:most], known[most:]
    found = [shown(row) for row in listed]
    if rest:
        both = _both(rest)
        name, percent = f"{len(rest):,} more {kind.many}", 100 * both[by] / whole
        found.append(RankRow(name, "", both["people"], both["clicks"], "", percent, unknown=True))
    more = page.address(all=kind.of) if rest and not all_wanted else ""
    return Rank(kind.of, kind.one, [*found, *map(shown, unknown)], more, kind.field in ("country", "region", "city"))


def _both(rows: Sequence[Row]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("people", "clicks")}


def map_of(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """What a map shows: people, or clicks where no first click of a person fits the filters."""
    of = "people" if numbers["totals"]["people"] else "clicks"
    found = {each["country"]: each[of] for each in numbers["countries"] if each["country"] and each[of]}
    most = sorted(found.items(), key=lambda each: -each[1])[:3]
    said = ", ".join(f"{country(code)} {number:,}" for code, number in most) or "no place is known"
    return {"counts": found, "label": f"Map of {of} by country: {said}", "of": of}
