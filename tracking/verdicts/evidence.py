"""Weighs how much speaks for a machine when somebody has opened several links of one message within seconds.

No single observation decides. Points are added up, so that a person who is quick, or early, or thorough is still a person, and
only a client that is several of these at once is not. The table of points and the scenes for which it was made are in
`docs/tracking.md`.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import NamedTuple

MACHINE = 5
"""A client with this many points is a machine."""

# The most seconds between one link and the next, and their points. These are times of arrival, and a first request that had to
# connect first can make two clicks of a person come closer together than they were made.
GAPS = ((0.5, 4), (1.0, 3), (2.0, 1))
# The most seconds since delivery, and their points: gateways look while the message is on its way, people after that.
AGES = ((10.0, 3), (60.0, 2), (600.0, 1))
# The least number of different links, and the points; and the points when these are all links of the message.
LINKS = ((5, 3), (4, 2), (3, 1))
ALL_LINKS = ((5, 2), (4, 1))
CHANGES = 1
"""The points for another address or another browser at each link, which nobody changes within seconds."""


class Message(NamedTuple):
    """`links` is the number of links in the message. `sent_at` is when the provider took the message; None means unknown and
    speaks neither way."""

    links: int
    sent_at: datetime | None = None


class Opening(NamedTuple):
    """Somebody's first request for one of the links."""

    position: int
    at: datetime


def points(openings: Sequence[Opening], message: Message, changes: bool = False) -> int:
    """Lists what speaks for a machine in these openings of different links, in the order of time. One link alone says nothing and
    has no points. `changes` says that each link was opened by another client."""
    if len(openings) < 2:
        return 0
    count = len(openings)
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(openings)]
    age = None if message.sent_at is None else (openings[0].at - message.sent_at).total_seconds()
    return (
        _at_most(median(gaps), GAPS)
        + (0 if age is None else _at_most(age, AGES))
        + _at_least(count, LINKS)
        + (_at_least(count, ALL_LINKS) if count >= message.links else 0)
        + changes * CHANGES
    )


def _at_most(value: float, table: Sequence[tuple[float, int]]) -> int:
    return next((given for limit, given in table if value <= limit), 0)


def _at_least(value: int, table: Sequence[tuple[int, int]]) -> int:
    return next((given for limit, given in table if value >= limit), 0)
