"""Refused keys: all counted, a few logged, and never a secret."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from api.callers.refused_keys import RefusedKeys
from api.handling.services import Services
from models.organizations.caller import Refusal
from services.process.few_lines import LINES, SECONDS
from tests.builders import Caller

ID, SECRET = "0a1b2c3d4e5f", "c" * 48


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_has_the_id_of_the_key_and_never_its_secret() -> None:
    with capture_logs() as lines:
        RefusedKeys().count(Refusal.UNKNOWN, f"lw_{ID}{SECRET}")
        RefusedKeys().count(Refusal.MALFORMED, f"lw_{SECRET}")
    assert [(line["reason"], line["key_id"]) for line in lines] == [("unknown", ID), ("malformed", None)]
    assert SECRET not in repr(lines)


def test_whoever_tries_many_keys_is_counted_and_fills_no_disk() -> None:
    clock = Clock()
    refused = RefusedKeys(clock)
    with capture_logs() as lines:
        for _ in range(10_000):
            refused.count(Refusal.UNKNOWN, "x")
        assert len(lines) == LINES
        clock.now = SECONDS
        refused.count(Refusal.UNKNOWN, "x")
    assert (len(lines), lines[-1]["not_logged_before"]) == (LINES + 1, 10_000 - LINES)
    assert refused.counts[Refusal.UNKNOWN] == 10_001


@pytest.mark.parametrize(("change", "reason"), [(lambda key: key[:-1], "malformed"), (lambda key: key[:-48] + SECRET, "unknown")])
async def test_each_refusal_is_in_the_metrics_by_reason(
    api: Caller, services: Services, change: Callable[[str], str], reason: str
) -> None:
    with capture_logs() as lines:
        assert (await api.with_key(change(api.key)).get("/organization")).status_code == 401
    (found,) = services.refused_keys.metrics()
    assert {sample.labels["reason"]: sample.value for sample in found.samples}[reason] == 1
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["API key refused"]
