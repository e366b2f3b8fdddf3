"""Why a request gets its verdict."""

import pytest

from models.clicks.verdict import Reason
from tracking.verdicts.reason import reason_of

CHROME = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "Preview"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ],
)
def test_what_a_browser_loads_ahead_is_no_click(name: str, value: str) -> None:
    assert reason_of("GET", {"user-agent": CHROME, name: value}) is Reason.PREFETCH


@pytest.mark.parametrize("headers", [{}, {"user-agent": ""}, {"user-agent": "   "}, {"accept": "*/*"}])
def test_a_request_without_an_agent_is_a_machine(headers: dict[str, str]) -> None:
    assert reason_of("GET", headers) is Reason.NO_AGENT


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "PROPFIND"])
def test_no_person_follows_a_link_by_another_method(method: str) -> None:
    assert reason_of(method, {"user-agent": CHROME}) is Reason.LIBRARY


@pytest.mark.parametrize(
    ("agent", "verdict", "reason"),
    [
        (CHROME, "human", "browser"),
        ("curl/8.5.0", "bot", "library"),
        ("WhatsApp/2.23.20.0", "bot", "previewer"),
        ("Mozilla/5.0", "bot", "not_a_browser"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)", "suspect", "app"),
    ],
)
def test_the_agent_decides_otherwise(agent: str, verdict: str, reason: str) -> None:
    found = reason_of("GET", {"user-agent": agent, "sec-purpose": "", "purpose": "other"})
    assert (found.verdict, found) == (verdict, reason)
