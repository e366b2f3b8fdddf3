"""Which entries of a conversation a click has caused, and where the rail is coloured."""

from typing import Any

import pytest

from console.areas.contacts.timeline import marked, thread
from console.areas.contacts.wake import FARTHEST, caused_by, rail_class, rails
from console.words.times import Times

AT = "2026-11-03T12:00:00Z"


def click(id: str = "c", verdict: str = "human", correction: Any = None) -> dict[str, Any]:
    return {"kind": "click", "id": id, "verdict": verdict, "correction": correction, "at": AT}


def left(click_id: str | None = "c", branch: str = "offer", enrollment: str = "e") -> dict[str, Any]:
    because = {"click_id": click_id, "clicked_at": AT}
    return {"kind": "step", "event": "left", "because": because, "branch": branch, "enrollment_id": enrollment, "at": AT}


def enrolled(cause_id: str, enrollment: str = "new") -> dict[str, Any]:
    return {"kind": "step", "event": "enrolled", "because": None, "cause_id": cause_id, "enrollment_id": enrollment, "at": AT}


def message(step_key: str | None = None, enrollment: str | None = "e", firing_id: str | None = None) -> dict[str, Any]:
    return {"kind": "message", "step_key": step_key, "enrollment_id": enrollment, "firing_id": firing_id, "at": AT}


def trigger(id: str = "f", click_id: str | None = "c") -> dict[str, Any]:
    return {"kind": "trigger", "id": id, "click_id": click_id, "at": AT}


def reply() -> dict[str, Any]:
    return {"kind": "inbound_message", "at": AT}


def told(*story: dict[str, Any]) -> list[dict[str, Any]]:
    """Written in the order of time, as the API sends it with the newest first."""
    return list(story)[::-1]


def test_a_click_leads_to_the_step_and_to_the_message_of_the_next_one() -> None:
    items = told(message("hello"), click(), left(), message("offer"), message("offer"))
    assert caused_by(items[3], items) == [2, 1]
    assert [rail_class(each) for each in rails(items)] == ["", "wake-below", "wake-through", "wake-above", ""]


def test_a_click_leads_to_what_a_trigger_did() -> None:
    items = told(click(), trigger(), message(None, None, "f"), enrolled("f"), message("hello", "new"), message("later", "new"))
    assert caused_by(items[5], items) == [4, 3, 2, 1]


def test_what_another_click_or_nobody_caused_is_left_alone() -> None:
    items = told(click(), left("other"), message("offer"), trigger("g", None), message(None, None, "g"), enrolled("x"), reply())
    assert caused_by(items[-1], items) == []
    assert all(not each for each in rails(items))


@pytest.mark.parametrize("verdict", ["bot", "suspect"])
def test_a_machine_has_no_wake(verdict: str) -> None:
    items = told(click(verdict=verdict), left())
    assert all(not each for each in rails(items))


def test_a_click_that_was_called_a_machines_later_keeps_its_wake() -> None:
    items = told(click(verdict="bot", correction={"earlier_verdict": "human"}), left())
    assert [rail_class(each) for each in rails(items)] == ["wake-below", "wake-above"]


def test_no_rail_runs_farther_than_an_eye_follows() -> None:
    items = told(click(), *(reply() for _ in range(FARTHEST)), left())
    assert all(not each for each in rails(items))


def test_a_reply_between_does_not_cut_the_rail() -> None:
    items = told(click(), reply(), left())
    assert [rail_class(each) for each in rails(items)] == ["wake-below", "wake-through", "wake-above"]


def test_a_day_that_begins_within_a_wake_keeps_its_rail() -> None:
    items = told(click(), left(), message("offer"))
    items[0]["at"] = items[1]["at"] = "2026-11-04T00:00:01Z"
    entries = thread(items, Times("UTC"))
    assert [(bool(each.day), each.day_rail) for each in entries] == [(True, ""), (False, "wake-through"), (True, "wake-through")]
    assert [each.lag for each in entries] == [None, 43201.0, None]


LINKS = [{"url": "https://l.example/a"}, {"url": "https://l.example/ab"}]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("no link", [("no link", None)]),
        ("see https://l.example/ab now", [("see ", None), ("https://l.example/ab", LINKS[1]), (" now", None)]),
        ("https://l.example/ahttps://l.example/a", [("https://l.example/a", LINKS[0])] * 2),
        ("<b>https://l.example/a</b>", [("<b>", None), ("https://l.example/a", LINKS[0]), ("</b>", None)]),
    ],
)
def test_links_of_a_text_are_marked(text: str, parts: list[Any]) -> None:
    assert list(marked(text, LINKS)) == parts
