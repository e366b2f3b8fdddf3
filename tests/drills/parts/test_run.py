"""What a drill says of its faults."""

import httpx
import pytest

from demo.client import DemoError
from drills.parts.patience import DrillError
from drills.parts.run import Fault, make_all

ERRORS = (DrillError("nobody came"), DemoError("answered 500"), httpx.ReadTimeout("no answer"), ProcessLookupError("gone"))


def raises(error: Exception) -> Fault[list[str]]:
    async def fault(_: list[str]) -> None:
        raise error

    fault.__name__ = type(error).__name__
    return fault


async def works(made: list[str]) -> None:
    made.append("works")


async def test_a_fault_without_an_effect_says_why_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    made: list[str] = []
    fired = await make_all([*map(raises, ERRORS), works], made)
    assert fired == {**{type(each).__name__: False for each in ERRORS}, "works": True}
    assert made == ["works"]
    said = capsys.readouterr().err
    assert [each for each in ERRORS if str(each) not in said] == []
