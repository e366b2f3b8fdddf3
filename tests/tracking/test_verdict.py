"""Verdicts on requests."""

from typing import get_args

import pytest

from tracking.agents import Reason
from tracking.verdict import Kind, judge

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
    assert judge("GET", {"user-agent": CHROME, name: value}) == ("bot", Reason.PREFETCH)


@pytest.mark.parametrize("headers", [{}, {"user-agent": ""}, {"user-agent": "   "}, {"accept": "*/*"}])
def test_a_request_without_an_agent_is_a_machine(headers: dict[str, str]) -> None:
    assert judge("GET", headers) == ("bot", Reason.NO_AGENT)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "PROPFIND"])
def test_no_person_follows_a_link_by_another_method(method: str) -> None:
    assert judge(method, {"user-agent": CHROME}) == ("bot", Reason.LIBRARY)


@pytest.mark.parametrize(
    ("agent", "kind", "reason"),
    [
        (CHROME, "human", "browser"),
        ("curl/8.5.0", "bot", "library"),
        ("WhatsApp/2.23.20.0", "bot", "previewer"),
        ("Mozilla/5.0", "bot", "not_a_browser"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)", "suspect", "app"),
    ],
)
def test_the_agent_decides_otherwise(agent: str, kind: str, reason: str) -> None:
    assert judge("GET", {"user-agent": agent, "sec-purpose": "", "purpose": "other"}) == (kind, reason)


def test_reasons_are_plain_text_for_the_database() -> None:
    verdict = judge("GET", {"user-agent": CHROME})
    assert verdict.kind in get_args(Kind)
    assert f"{verdict.reason}" == "browser"
