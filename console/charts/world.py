"""A map of the world with a circle for each country: its area is the number of people.

The land is drawn by hand, a line for every five degrees of latitude, which is as exact as a place that is found by an IP address.
"""

import math
from collections.abc import Mapping

from markupsafe import Markup

from console.charts.drawing import f
from console.words.countries import CENTRES
from console.words.places import country

NORTH, SOUTH = 80.0, -57.5
LARGEST, SMALLEST = 15.0, 1.8
SHARPEST = 40
"""The most circles: those of the countries with the most people."""

LAND = {
    77.5: ((-115, -75), (-68, -20), (13, 24), (95, 105)),
    72.5: ((-125, -90), (-86, -72), (-55, -22), (53, 57), (80, 145)),
    67.5: ((-165, -85), (-73, -63), (-53, -33), (13, 42), (45, 180)),
    62.5: ((-164, -95), (-78, -70), (-50, -43), (-22, -15), (7, 19), (23, 178)),
    57.5: ((-158, -153), (-132, -94), (-77, -62), (-6, -3), (8, 10), (13, 16), (23, 137), (157, 162)),
    52.5: ((-129, -80), (-78, -57), (-10, -7), (-4, 1), (6, 140), (157, 158)),
    47.5: ((-124, -65), (-58, -54), (-3, 135)),
    42.5: ((-123, -72), (-8, 3), (11, 15), (18, 50), (54, 131), (142, 144)),
    37.5: ((-121, -77), (-8, -2), (13, 15), (22, 24), (28, 49), (54, 121), (127, 129), (138, 140)),
    32.5: ((-116, -81), (-8, 15), (21, 24), (36, 120), (130, 132)),
    27.5: ((-112, -98), (-82, -81), (-12, 34), (37, 48), (53, 120)),
    22.5: ((-105, -98), (-83, -77), (-15, 36), (40, 58), (70, 91), (93, 113), (120, 121)),
    17.5: ((-101, -89), (-73, -67), (-15, 37), (43, 54), (74, 82), (95, 107), (120, 122)),
    12.5: ((-89, -84), (-74, -70), (-16, 42), (45, 48), (76, 79), (99, 108), (122, 124)),
    7.5: ((-81, -60), (-12, 49), (80, 81), (99, 101), (117, 118), (124, 126)),
    2.5: ((-78, -51), (10, 45), (98, 103), (110, 117), (121, 124)),
    -2.5: ((-80, -41), (10, 40), (102, 105), (110, 115), (120, 122), (132, 140)),
    -7.5: ((-78, -36), (13, 39), (107, 113), (139, 146)),
    -12.5: ((-76, -39), (14, 39), (49, 50), (132, 135), (142, 143)),
    -17.5: ((-70, -40), (13, 37), (45, 48), (125, 145)),
    -22.5: ((-69, -43), (15, 34), (44, 47), (115, 149)),
    -27.5: ((-70, -50), (16, 32), (115, 152)),
    -32.5: ((-71, -53), (19, 28), (117, 151)),
    -37.5: ((-72, -59), (141, 148), (175, 177)),
    -42.5: ((-72, -65), (146, 147), (171, 172)),
    -47.5: ((-74, -67),),
    -52.5: ((-73, -70),),
}
"""Degrees of longitude where there is land, by latitude."""


def world(people: Mapping[str, int], label: str) -> Markup:
    """`people` by country code; those whose place nobody knows are not on a map. `label` says in words where most are."""
    known = {code: number for code, number in people.items() if code in CENTRES and number > 0}
    most = sorted(known.items(), key=lambda each: -each[1])[:SHARPEST]
    land = "".join(f"M{f(_x(begin))} {f(_y(at))}H{f(_x(end))}" for at, parts in LAND.items() for begin, end in parts)
    circles = Markup().join(_circle(code, number, most[0][1]) for code, number in most)
    return Markup(
        '<svg class="world" viewBox="0 0 360 {}" role="img" aria-label="{}">'
        '<path class="grid" d="{}"/><path class="land" d="{}"/>{}</svg>'
    ).format(f(NORTH - SOUTH), label, _grid(), land, circles)


def _circle(code: str, number: int, top: int) -> Markup:
    latitude, longitude = CENTRES[code]
    radius = max(SMALLEST, LARGEST * math.sqrt(number / top))
    return Markup('<circle cx="{}" cy="{}" r="{}"><title>{}: {:,}</title></circle>').format(
        f(_x(longitude)), f(_y(latitude)), f(radius), country(code), number
    )


def _grid() -> str:
    """The equator, and every thirtieth meridian."""
    meridians = "".join(f"M{x} 0V{f(NORTH - SOUTH)}" for x in range(30, 360, 30))
    return f"M0 {f(NORTH)}H360{meridians}"


def _x(longitude: float) -> float:
    return longitude + 180


def _y(latitude: float) -> float:
    return NORTH - latitude
