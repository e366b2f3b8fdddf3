"""User-Agents of people and of machines, as they are seen in logs."""

import time
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
    assert {reason for reason, _ in MACHINES} == set(Reason) - {Reason.BROWSER, Reason.PREFETCH, Reason.NO_AGENT}


@pytest.mark.parametrize("agent", [".", "\u00e9" * 2000, "Mozilla/5.0 (" * 500, "\x00\x01", "😀", "%s%n{}"])
def test_a_strange_agent_is_no_browser(agent: str) -> None:
    assert reason_for(agent) is Reason.NOT_A_BROWSER


def test_an_agent_that_was_never_seen_costs_less_than_a_millisecond() -> None:
    agents = [f"{agent} {number}" for number, agent in enumerate(PEOPLE)]
    began = time.process_time()
    for agent in agents:
        reason_for(agent)
    assert (time.process_time() - began) / len(agents) < 0.001


@pytest.mark.parametrize(
    "hostile", ["a", "(", "; ", "a-", "x@x.x", "Android 1; ", "Mozilla/4.0 (X", "Gecko rv:1", "com.a.a", "release/"]
)
def test_a_hostile_agent_costs_a_few_milliseconds_at_most(hostile: str) -> None:
    began = time.process_time()
    reason_for(hostile * 5000)
    assert time.process_time() - began < 0.05
