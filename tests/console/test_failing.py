"""A page that cannot be shown says so as a page, whatever has gone wrong."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response

from api.http.time_limit import READ_SECONDS, WRITE_SECONDS
from console import failing
from console.failing import Failing, limited
from console.static_files import StaticFiles
from console.templating import Templates

FAILING = Failing(Templates(StaticFiles()))


def request(method: str = "GET") -> Request:
    return Request({"type": "http", "method": method, "path": "/console", "headers": [], "query_string": b"", "state": {}})


async def shown(error: BaseException) -> Response:
    async def fails(_request: Request) -> Response:
        raise error

    return await FAILING.around(fails)(request())


async def test_an_error_of_ours_is_a_page_with_the_whole_policy_and_without_its_text() -> None:
    answer = await shown(ZeroDivisionError("what somebody wrote"))
    assert answer.status_code == 500
    assert answer.media_type == "text/html"
    assert b"Something went wrong on our side" in answer.body
    assert b"somebody wrote" not in answer.body
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_database_that_is_away_is_a_page_that_says_what_is_safe() -> None:
    answer = await shown(OperationalError("SELECT", None, Exception("gone")))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert b"Nothing is lost" in answer.body


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_page_that_takes_too_long_is_given_up_before_the_api_would_answer_with_a_document(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing, "SOONER", WRITE_SECONDS - 0.05 if method == "POST" else READ_SECONDS - 0.05)

    async def silent(_request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    answer = await FAILING.around(limited(silent))(request(method))
    assert answer.status_code == 503
