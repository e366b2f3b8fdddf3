"""The benchmark of how soon a click is seen: what its figures make of times and counts."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from bench import visible
from bench.visible import CLICKS, Seen, _follow, seconds_until_counted, time_of_click


def test_each_click_is_counted_when_the_analytics_first_show_so_many() -> None:
    made = [10.0, 10.1, 10.2, 11.0]
    counts = [(10.05, 0), (10.5, 2), (11.5, 3)]
    assert seconds_until_counted(made, counts) == pytest.approx([0.5, 0.4, 1.3])


def test_figures_miss_what_was_never_seen() -> None:
    found = visible.figures(Seen(made=[10.0] * CLICKS, streamed=[], counts=[], redirect_p99_ms=5.0))
    assert (found["streamed"], found["counted"], found["missed"]) == (0, 0, ["stream_p99_s", "analytics_p99_s"])


def test_figures_within_the_goal_miss_nothing() -> None:
    found = visible.figures(Seen([10.0] * CLICKS, [0.5] * CLICKS, [(11.0, CLICKS)], 5.0))
    assert (found["streamed"], found["counted"], found["missed"]) == (CLICKS, CLICKS, [])
    assert (found["stream_p99_s"], found["analytics_p99_s"]) == (0.5, 1.0)


def test_a_click_in_the_stream_is_read_with_its_time() -> None:
    assert time_of_click('data: {"about": {"clicked_at": "2026-01-02T03:04:05.5+00:00"}}') == 1767323045.5


@pytest.mark.parametrize("line", ["", ": still here", "id: 1-2", "event: click", "data: {}", 'data: {"reason": "behind"}'])
def test_lines_that_are_no_click_are_passed_over(line: str) -> None:
    assert time_of_click(line) is None


async def test_whoever_waits_for_the_stream_hears_when_there_is_none() -> None:
    """The benchmark would wait for ever."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    listening = asyncio.Event()
    async with httpx.AsyncClient(base_url="http://api.test", transport=httpx.MockTransport(refuse)) as api:
        with pytest.raises(httpx.ConnectError):
            await _follow(api, uuid4(), [], listening)
    assert listening.is_set()
