"""What benchmarks say on a machine that is too slow to answer at all."""

import subprocess
import sys

import httpx
import pytest

from bench import analytics, console
from bench.exports import _Reading
from stack.children.processes import tethered


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


async def test_a_report_that_is_not_answered_counts_as_unanswered() -> None:
    async with httpx.AsyncClient(base_url="http://api.test", transport=httpx.MockTransport(too_slow)) as api:
        asked = await analytics._ask_for(api, ["/report"], 2)
    assert (len(asked.milliseconds), asked.statuses) == (2, {0: 2})


async def test_a_page_that_is_not_answered_counts_as_not_shown() -> None:
    async with httpx.AsyncClient(base_url="http://api.test", transport=httpx.MockTransport(too_slow)) as client:
        asked = await console._ask(client, "/campaigns")
    found = console.figures(console.Measured({"/campaigns": asked}, {}, [], 0.0, None))
    assert found["not_shown"] == {"/campaigns": 0}


def test_an_export_that_cannot_be_read_ends_the_benchmark_with_a_sentence() -> None:
    command = tethered([sys.executable, "-c", "print('begun'); raise SystemExit(1)"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own code
    with process, pytest.raises(SystemExit, match="could not be read"):
        _Reading(process).result()
