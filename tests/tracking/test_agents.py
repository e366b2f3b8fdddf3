"""User-Agents of people and of machines, as they are seen in logs."""

from pathlib import Path

import pytest

from tracking.agents import Reason, reason_for

HERE = Path(__file__).parent
PEOPLE = (HERE / "agents_of_people.txt").read_text().splitlines()
MACHINES = [line.split("\t") for line in (HERE / "agents_of_machines.txt").read_text().splitlines()]


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_browser_of_a_person_is_one(agent: str) -> None:
    assert reason_for(agent) is Reason.BROWSER


@pytest.mark.parametrize(("reason", "agent"), MACHINES)
def test_a_machine_is_known_by_its_kind(reason: str, agent: str) -> None:
    assert reason_for(agent) == reason


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(set(PEOPLE)) >= 60
    assert len(MACHINES) >= 60
    by_other_means = {Reason.BROWSER, Reason.PREFETCH, Reason.NO_AGENT, Reason.BURST, Reason.EARLY}
    assert {reason for reason, _ in MACHINES} == set(Reason) - by_other_means


@pytest.mark.parametrize("agent", [".", "\u00e9" * 2000, "Mozilla/5.0 (" * 500, "\x00\x01", "😀", "%s%n{}"])
def test_a_strange_agent_is_no_browser(agent: str) -> None:
    assert reason_for(agent) is Reason.NOT_A_BROWSER


@pytest.mark.parametrize(
    "hostile", ["a", "(", "; ", "a-", "x@x.x", "Android 1; ", "Mozilla/4.0 (X", "Gecko rv:1", "com.a.a", "release/"]
)
def test_a_hostile_agent_is_no_browser_and_does_not_hold_us_up(hostile: str) -> None:
    assert reason_for(hostile * 5000) in Reason  # a pattern that backtracks would not come back
