"""What counts as an error of a process that lived, and who was turned away."""

import asyncio
import random
from functools import partial

import httpx
import pytest

from drills import clicks
from drills.clicks import everybody_is_answered
from drills.parts.clicks import load as click_load
from drills.parts.clicks.load import Ask, Load, Seen
from drills.parts.patience import until
from models.clicks.inbox import LinkOfRecipient as Link
from tracking.tokens.token import TokenCodec

LINK = Link(1, 0, 0)
DOWN = [(100.0, 103.0)]


@pytest.mark.parametrize("span", [(99.0, 100.5), (101.0, 102.0), (102.5, 104.0), (99.0, 104.0)])
def test_a_connection_that_breaks_while_the_process_is_down_is_no_error(span: tuple[float, float]) -> None:
    assert Seen([Ask(LINK, *span, None)]).errors(DOWN) == []


@pytest.mark.parametrize("span", [(98.0, 99.0), (103.5, 104.0)])
def test_a_connection_that_breaks_at_another_time_is_one(span: tuple[float, float]) -> None:
    assert len(Seen([Ask(LINK, *span, None)]).errors(DOWN)) == 1


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_an_answer_that_is_no_redirect_is_always_one(status: int) -> None:
    assert len(Seen([Ask(LINK, 101.0, 102.0, status)]).errors(DOWN)) == 1


def test_answers_are_counted_by_link_and_by_time() -> None:
    seen = Seen([Ask(LINK, 1.0, 2.0, 302), Ask(LINK, 5.0, 6.0, 302), Ask(LINK, 7.0, 8.0, None)])
    assert (seen.asked()[LINK], seen.answered()[LINK], seen.answered([(1.5, 3.0)])[LINK]) == (3, 2, 1)


async def test_a_drill_goes_on_to_its_verdict_when_somebody_is_never_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = Load(1, TokenCodec([b"k" * 32]), [LINK], 1.0, random.Random(7))
    await everybody_is_answered(load)
    assert capsys.readouterr().err == ""
    load.also([LINK])
    monkeypatch.setattr(clicks, "until", partial(until, seconds=0))
    await everybody_is_answered(load)
    assert f"{{{LINK}}}" in capsys.readouterr().err
    await load._client.aclose()


async def test_whoever_was_turned_away_clicks_until_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_load, "AGAIN_SECONDS", 0)
    broken = 3

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal broken
        broken -= 1
        if broken >= 0:
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(302)

    load, stopped = Load(1, TokenCodec([b"k" * 32]), [LINK], 1_000.0, random.Random(7)), asyncio.Event()
    load._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    waits = Link(2, 0, 0)
    load.also([waits, waits])
    assert load.turned_away == {waits}
    clicking = asyncio.create_task(load.run(stopped))
    async with asyncio.timeout(60):
        while load.turned_away:  # noqa: ASYNC110 - the load tells nobody
            await asyncio.sleep(0)
    stopped.set()
    await clicking
    assert load.seen.answered()[waits] > 0
    load.also([waits])
    assert load.turned_away == set(), "it was answered once"
