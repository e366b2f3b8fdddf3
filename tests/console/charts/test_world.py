"""The map: a circle for each country that is known, and the largest for the most people."""

from lxml import html

from console.charts.world import SHARPEST, world
from console.words.countries import CENTRES


def circles(people: dict[str, int]) -> list[tuple[str, float]]:
    drawn = html.fromstring(str(world(people, "A map")))
    return [(each.cssselect("title")[0].text, float(each.get("r"))) for each in drawn.cssselect("circle")]


def test_the_area_of_a_circle_is_its_people() -> None:
    (norway, large), (sweden, small) = circles({"SE": 25, "NO": 100, "XX": 9, "": 4})
    assert (norway, sweden) == ("Norway: 100", "Sweden: 25")
    assert large == 2 * small


def test_a_map_without_people_is_a_map() -> None:
    assert circles({}) == circles({"NO": 0}) == []


def test_a_map_of_the_whole_world_has_no_more_circles_than_can_be_seen() -> None:
    assert len(circles(dict.fromkeys(CENTRES, 7))) == SHARPEST


def test_every_country_lies_in_the_world() -> None:
    assert len(CENTRES) > 235
    assert all(-90 <= north <= 90 and -180 <= east <= 180 for north, east in CENTRES.values())
