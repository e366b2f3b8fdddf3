"""The demo's patience, and what it says when the story cannot go on."""

import httpx
import pytest

from demo import client
from demo.client import Browsers, Consumer, DemoError, Stage
from demo.people import visit

NOWHERE = "http://127.0.0.1:1"


class Counts:
    """A look that finds one more each time, and stands still at `last`."""

    def __init__(self, last: int) -> None:
        self.done, self.last = 0, last

    async def __call__(self) -> int:
        self.done = min(self.done + 1, self.last)
        return self.done


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS", 0)
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0)


async def test_as_long_as_there_is_progress_it_waits() -> None:
    shown: list[int] = []
    await Consumer(NOWHERE, "lw_").until_done(Stage("Clicks", 50, shown.append), Counts(60))
    assert shown == [*range(1, 51)]


async def test_when_the_count_stands_still_it_says_what_there_was() -> None:
    with pytest.raises(DemoError, match=r"^Messages sent: 41 of 200, and nothing has changed for 0 s\.$"):
        await Consumer(NOWHERE, "lw_").until_done(Stage("Messages sent", 200), Counts(41))


async def test_a_server_that_is_away_is_one_sentence() -> None:
    with pytest.raises(DemoError, match="GET /campaigns was not answered: "):
        await Consumer(NOWHERE, "lw_").get("/campaigns")
    with pytest.raises(DemoError, match=f"GET {NOWHERE}/x was not answered: "):
        await Browsers().click(f"{NOWHERE}/x", visit(0))


async def test_a_server_that_has_no_time_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([503, 503, 200])
    transport = httpx.MockTransport(lambda _: httpx.Response(next(answers), json={}))
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 60)
    consumer = Consumer(NOWHERE, "lw_")
    consumer._client = httpx.AsyncClient(base_url=NOWHERE, transport=transport)
    assert await consumer.get("/campaigns") == {}
