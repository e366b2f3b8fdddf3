"""Click to wake, the number that says that the product works, beside the navigation of every page."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from console.api_calls import ApiCalls, ApiProblem
from console.charts.drawing import Point, f, monotone

FRESH = 10.0
"""Seconds for which all pages of an organization show the same."""
MOST = 1_000
"""Organizations that are remembered."""
WIDTH, HEIGHT, MIDDLE = 200, 28, 18


@dataclass(frozen=True)
class Pulse:
    """The median of the last hour in milliseconds, and its line. None and a flat line when it is not known."""

    milliseconds: float | None = None
    path: str = f"M0 {MIDDLE}H{WIDTH}"


UNKNOWN = Pulse()


class Pulses:
    """What was read last, of each organization."""

    def __init__(self) -> None:
        self._read = OrderedDict[UUID, tuple[float, Pulse]]()

    async def of(self, org_id: UUID, api: ApiCalls) -> Pulse:
        """Never fails: the page has something else to show."""
        read_at, pulse = self._read.get(org_id, (-FRESH, UNKNOWN))
        if time.monotonic() - read_at < FRESH:
            return pulse
        self._read[org_id] = time.monotonic(), pulse  # pages at the same time do not read it again
        try:
            delays = await api.get("/analytics/delays", period="1h")
        except ApiProblem:
            return pulse
        medians = [each["median_ms"] for each in delays["series"] if each["median_ms"] is not None]
        pulse = Pulse(delays["median_ms"], _path(medians)) if medians else UNKNOWN
        self._read[org_id] = time.monotonic(), pulse
        self._read.move_to_end(org_id)
        while len(self._read) > MOST:
            self._read.popitem(last=False)
        return pulse


def _path(medians: Sequence[float]) -> str:
    """A slower interval is higher."""
    if len(medians) < 2:
        return UNKNOWN.path
    top, step = max(medians), WIDTH / (len(medians) - 1)
    points: list[Point] = [(place * step, HEIGHT - 4 - (HEIGHT - 8) * each / top) for place, each in enumerate(medians)]
    return monotone(points) if top else f"M0 {f(MIDDLE)}H{WIDTH}"
