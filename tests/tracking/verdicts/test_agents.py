"""User-Agents of people and of machines, as they are seen in logs."""

from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from models.clicks.verdict import Reason
from tests.tracking.verdicts.agents_in_apps import NAMES, PLACES
from tracking.verdicts.agents import reason_for

HERE = Path(__file__).parent
PEOPLE = (HERE / "agents_of_people.txt").read_text().splitlines()
MACHINES = [line.split("\t") for line in (HERE / "agents_of_machines.txt").read_text().splitlines()]


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_browser_of_a_person_is_one(agent: str) -> None:
    assert reason_for(agent) is Reason.BROWSER


@pytest.mark.parametrize("place", PLACES)
def test_an_app_can_be_called_anything(place: str) -> None:
    agents = [PLACES[place].format(name) for name in NAMES]
    assert [agent for agent in agents if reason_for(agent) is not Reason.BROWSER] == []


def test_of_the_machines_on_the_list_nearly_all_are_found() -> None:
    """Those that also pretend to be a complete browser included; the list has a few agents of people's apps as well."""
    agents = {agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry.get("instances", [])}
    missed = [agent for agent in agents if reason_for(agent) in {Reason.BROWSER, Reason.APP}]
    assert len(missed) <= 0.01 * len(agents)
    pretending = [agent for agent in agents if "khtml, like gecko)" in agent.lower() or " gecko/" in agent.lower()]
    assert len(pretending) > 200
    assert len([agent for agent in missed if agent in pretending]) <= 0.05 * len(pretending)


@pytest.mark.parametrize(
    "word",
    ["blog", "shop", "search", "check", "health", "survey", "scan", "feed", "verifier", "translate", "subscriber", "monitor"],
)
def test_a_machine_that_pretends_to_be_a_phone_is_known_by_what_it_says_of_itself(word: str) -> None:
    for place in ("behind an iPhone's", "behind an Android phone's"):
        for itself in (
            f"{word}bot",
            f"({word}; +https://{word}.example/bot)",
            f"(compatible; {word}/1.0)",
            f"{word} info@{word}.org",
        ):
            assert reason_for(PLACES[place].format(itself)) is Reason.CRAWLER


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
