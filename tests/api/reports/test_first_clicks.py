"""How long people took to their first click: every bucket, its share and the median."""

from datetime import timedelta

import pytest

from api.reports.first_clicks import TimeToFirstClick
from models.clicks.counters import DELAYS
from models.clicks.recording import Metadata
from models.reports.clicks import Count
from tests.builders import Caller
from tests.rows import NOON, Rows


def counts(**people: int) -> dict[str, Count]:
    """By the places of delays, such as `d0`; `unknown` has none."""
    names = list(DELAYS)
    return {"" if name == "unknown" else names[int(name[1:])]: Count(number, number) for name, number in people.items()}


@pytest.mark.parametrize(
    ("people", "median"),
    [
        ({}, None),
        ({"unknown": 3}, None),
        ({"d0": 1}, 0),
        ({"d9": 1, "unknown": 5}, 9),
        ({"d0": 1, "d3": 1}, 0),
        ({"d0": 1, "d3": 2}, 3),
        ({"d1": 5, "d2": 4, "d9": 2}, 2),
        ({"d0": 0, "d5": 1}, 5),
    ],
)
def test_the_median_is_where_half_of_the_people_had_clicked(people: dict[str, int], median: int | None) -> None:
    found = TimeToFirstClick.of(counts(**people))
    assert found.median == (None if median is None else list(DELAYS)[median])
    assert found.unknown == people.get("unknown", 0)
    known = sum(people.values()) - found.unknown
    assert sum(each.people for each in found.delays) == known
    assert [each.share is None for each in found.delays] == [known == 0] * len(DELAYS)


def test_delays_come_in_their_order_with_their_limits() -> None:
    found = TimeToFirstClick.of(counts(d0=1, d2=3))
    assert [each.delay for each in found.delays] == list(DELAYS)
    assert [each.seconds for each in found.delays][:3] == [60, 300, 900]
    assert found.delays[-1].seconds is None
    assert [each.share for each in found.delays][:3] == [0.25, 0, 0.75]


async def test_only_the_first_click_of_each_person_says_how_long_it_took(api: Caller, made: Rows) -> None:
    campaign = await made.campaign()
    where = Metadata("DE", "Berlin", "phone", None, None, "Land Berlin")
    for delays in ([30, 4000], [400], [500]):
        message = await made.message(campaign.content_id, await made.contact(), accepted_at=NOON)
        for seconds in delays:
            await made.click(message, at=NOON + timedelta(seconds=seconds), metadata=where)
    await made.click(await made.message(campaign.content_id, await made.contact()), at=NOON, metadata=where)
    body = (await api.get(f"/campaigns/{campaign.id}/analytics")).json()
    took = body["time_to_first_click"]
    assert {each["delay"]: each["people"] for each in took["delays"] if each["people"]} == {"<1m": 1, "5-15m": 2}
    assert (took["median"], took["unknown"]) == ("5-15m", 1)
    assert body["regions"] == [{"country": "DE", "region": "Land Berlin", "clicks": 5, "people": 4}]
