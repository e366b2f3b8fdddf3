"""What the flow shows of a sequence: every arrow that the definition has or that people took, with how many they were."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.areas.sequences.picture import END, Painter, Picture
from console.charts.flow import flow

MEDIA = {"sms": "sms", "mail": "email"}
SEND = {"kind": "send", "key": "hello", "channel": "sms", "next": None}
WAIT = {"kind": "wait_for_click", "key": "wait", "link": None, "timeout": "P3D", "on_click": "over", "on_timeout": "over"}
OVER = {"kind": "end", "key": "over", "outcome": "done"}


def count(key: str, kind: str | None, active: int = 0, **left: int) -> dict[str, Any]:
    """`left` are outcomes, with the step that came next behind two underscores."""
    ways = [(name.partition("__"), number) for name, number in left.items()]
    leaving = [{"outcome": outcome, "branch": branch or None, "step_runs": number} for (outcome, _, branch), number in ways]
    entered = active + sum(left.values())
    return {"step_key": key, "kind": kind, "entered": entered, "active": active, "left": leaving, "next_due_at": None}


def paint(steps: list[dict[str, Any]], counted: list[dict[str, Any]]) -> Picture:
    return Painter("0198", steps, counted, MEDIA, None).paint()


def arrows(picture: Picture) -> dict[tuple[str, str, str], int]:
    return {(each.source, each.target, each.word): each.people for each in picture.arrows}


def test_a_click_and_a_timeout_that_lead_to_one_end_are_two_arrows() -> None:
    picture = paint(
        [SEND, WAIT, OVER], [count("hello", "send", sent__wait=5), count("wait", "wait_for_click", clicked=3, timed_out=2)]
    )
    assert arrows(picture) == {("hello", "wait", ""): 5, ("wait", "over", "clicked"): 3, ("wait", "over", "timed out"): 2}
    assert [each.people for each in picture.steps] == [0, 0, 5]


def test_who_is_stopped_or_fails_takes_no_arrow_but_stands_in_the_table() -> None:
    picture = paint([WAIT, OVER], [count("wait", "wait_for_click", active=1, clicked=2, stopped=4, failed=1)])
    assert arrows(picture) == {("wait", "over", "clicked"): 2, ("wait", "over", "timed out"): 0}
    assert [(each.outcome, each.people) for each in picture.lines[0].exits] == [("clicked", 2), ("stopped", 4), ("failed", 1)]


def test_a_message_that_failed_goes_on_to_the_next_step() -> None:
    picture = paint([SEND, OVER], [count("hello", "send", sent=2, failed=1, skipped=1)])
    assert arrows(picture) == {("hello", "over", ""): 4}


def test_behind_the_last_step_stands_an_end() -> None:
    picture = paint([SEND], [count("hello", "send", sent=2)])
    assert arrows(picture) == {("hello", END, ""): 2}
    assert [each.name for each in picture.steps] == ["hello", "end"]


def test_a_jump_by_a_trigger_and_a_step_of_another_version_are_shown() -> None:
    counted = [
        count("hello", "send", sent__wait=3, sent__old=2),
        count("wait", "wait_for_click", moved__hello=1),
        count("old", None, active=2),
    ]
    picture = paint([SEND, WAIT, OVER], counted)
    assert arrows(picture)["wait", "hello", "moved"] == 1
    assert arrows(picture)["hello", "old", "sent"] == 2
    assert picture.steps[-1].does == "only in another version"
    assert picture.lines[-1].active == 2


KEYS = ["hello", "wait", "over", "old"]


@st.composite
def leavings(draw: st.DrawFn) -> list[dict[str, Any]]:
    outcomes = st.sampled_from(["sent", "skipped", "failed", "clicked", "timed_out", "moved", "stopped", "stopped 2"])
    branches = st.none() | st.sampled_from(["hello", "wait", "old"])
    return [
        {
            **count(key, None),
            "left": [
                {"outcome": outcome, "branch": branch, "step_runs": draw(st.integers(1, 10**7))}
                for outcome, branch in draw(st.sets(st.tuples(outcomes, branches), max_size=6))
            ],
        }
        for key in draw(st.sets(st.sampled_from(["hello", "wait", "old"])))
    ]


@given(leavings())
def test_whatever_people_did_is_drawn_and_nobody_is_counted_twice(counted: list[dict[str, Any]]) -> None:
    picture = paint([SEND, WAIT, OVER], counted)
    known = {each.key for each in picture.steps}
    assert all(each.source in known and each.target in known for each in picture.arrows)
    went_on = sum(left["step_runs"] for each in counted for left in each["left"] if left["branch"])
    left_in_all = sum(left["step_runs"] for each in counted for left in each["left"])
    assert went_on <= sum(each.people for each in picture.arrows) <= left_in_all
    assert str(flow(picture.steps, picture.arrows, 10, "Flow", "icons.svg")).startswith("<svg")


def test_a_flow_of_a_hundred_steps_weighs_less_than_a_page_may() -> None:
    steps: list[dict[str, Any]] = []
    for number in range(50):
        over = "over" if number == 49 else f"send_{number + 1}"
        steps.append({**SEND, "key": f"send_{number}"})
        steps.append({**WAIT, "key": f"wait_{number}", "on_click": over, "on_timeout": "over"})
    picture = paint([*steps[:99], OVER], [])
    assert len(str(flow(picture.steps, picture.arrows, 10, "Flow", "/console/static/0123456789abcdef/icons.svg"))) < 150_000
