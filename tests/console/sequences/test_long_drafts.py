"""Drafts that were written to hold up everybody else: they are read in a process of their own, and their page stays small."""

import random
import time
from typing import Any

import pytest

from api.handling.services import Services
from console.areas.sequences.difference import MOST_LINES, difference
from console.areas.sequences.draft import MOST_STEPS
from console.areas.sequences.editor import NUMBERED
from console.areas.sequences.yaml_definition import as_body
from console.areas.sequences.yaml_writing import dump
from tests.api.campaign_builders import steps_with_click
from tests.builders import Caller
from tests.console.conftest import Browser, Shown


def named(**changes: Any) -> str:
    return dump({"name": "Long", "steps": steps_with_click(), **changes})


def mail(html: str) -> dict[str, Any]:
    message = {"kind": "transactional", "subject": "Long", "body": "Long", "html": html}
    return {"kind": "send", "key": "long", "channel": "simulator-email", "message": message}


HOSTILE = {
    "a thousand steps": "name: x\nsteps:\n" + "- {kind: end, key: a}\n" * 4_400,
    "names that the API does not know": "name: x\nsteps: []\n" + "".join(f"unknown_{number}: 1\n" for number in range(9_000)),
    "empty lines": "name: x\nsteps: []\n" + "\n" * 280_000,
    "empty lines of a text": "name: x\nsteps:\n- kind: notify\n  key: a\n  text: |\n    a" + "\n" * 280_000,
    "lists in lists": "name: x\nsteps: [" + "[" * 15 + "[]," * 19_000 + "]" * 16,
    "accents": "name: x\nsteps:\n- {kind: update_contact, key: a, change: {tags_add: [" + "\u0301\u0316" * 70_000 + "]}}",
}


async def cost(browser: Browser, token: str, text: str, **fields: str) -> tuple[float, Shown]:
    """Seconds of the processor that the event loop was busy with a form."""
    began = time.thread_time()
    answer = await browser.client.post(
        "/console/sequences/new", data={"form_token": token, "yaml": text, "do": "check", "kind": "", **fields}
    )
    return time.thread_time() - began, Shown(answer)


@pytest.mark.parametrize("what", HOSTILE)
async def test_the_event_loop_is_busy_with_it_no_longer_than_with_a_plain_text_of_its_size(browser: Browser, what: str) -> None:
    token, text = await browser.token(), HOSTILE[what]
    await cost(browser, token, named())
    usual, _ = await cost(browser, token, named(name="x" * len(text)))
    for fields in ({}, {"q.seal": "old", "q.name": "new", "from": ""}):
        for _ in range(3):  # the quickest counts, because others share the processor
            took, shown = await cost(browser, token, text, **fields)
            assert shown.status in (200, 422)
            if took < 4 * usual + 0.1:
                break
        assert took < 4 * usual + 0.1


async def test_more_steps_than_a_sequence_may_have_are_a_fault_at_the_first_of_them(browser: Browser) -> None:
    steps = [{"kind": "end", "key": f"end_{number}"} for number in range(MOST_STEPS + 1)]
    text = dump({"name": "Long", "steps": steps})
    shown = await browser.send("/sequences/new", yaml=text, do="save")
    assert shown.status == 422
    assert shown.all("#faults a") == [f"Line {text.split(chr(10)).index(f'    key: end_{MOST_STEPS}')}"]
    assert f"at most {MOST_STEPS} steps" in shown.all("#faults li")[0]


async def test_a_text_that_takes_too_long_is_kept_and_the_page_says_so(
    browser: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.judge, "_seconds", 1e-6)
    text = HOSTILE["names that the API does not know"]
    shown = await browser.send("/sequences/new", yaml=text, do="check")
    assert shown.value("yaml").strip() == text.strip()
    assert "more than 1 s" in shown.all("#faults li")[0]


async def test_pages_of_a_sequence_with_very_many_lines_are_shown(browser: Browser, api: Caller) -> None:
    """Its last step shows that nothing is missing."""
    steps = [mail("a" + "\n" * 199_990 + "b"), *steps_with_click()]
    steps[0]["next"] = steps[1]["key"]
    made = await api.post("/sequences", json={"name": "Long", "steps": steps})
    assert made.status_code == 201, made.text
    path = f"/sequences/{made.json()['id']}"
    await browser.open(path)
    for page in ("definition", "edit", "edit?publish=1"):
        began = time.thread_time()
        shown = await browser.open(f"{path}/{page}")
        assert time.thread_time() - began < 1.0
        assert shown.status == 200
        assert "key: over" in shown.body.text_content()
        assert len(shown.body.cssselect(".gutter li")) <= NUMBERED


def lines(seed: int) -> str:
    """Such texts take difflib seconds to compare."""
    chosen = random.Random(seed)
    return "\n".join(str(chosen.randrange(150)) for _ in range(25_000))


async def test_what_cannot_be_compared_line_by_line_in_time_is_published_all_the_same(
    browser: Browser, api: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [mail(lines(1)), *steps_with_click()]
    made = (await api.post("/sequences", json={"name": "Long", "steps": steps})).json()["id"]
    await api.post(f"/sequences/{made}/publish")
    steps[0]["message"]["html"] = lines(2)
    await api.patch(f"/sequences/{made}", json={"steps": steps})
    monkeypatch.setattr(services.judge, "_seconds", 0.2)
    shown = await browser.open(f"/sequences/{made}/edit", publish=1)
    assert shown.status == 200
    assert "More has changed than can be shown line by line." in shown.text


def test_a_difference_shows_some_lines_and_counts_the_others() -> None:
    after = as_body({"name": "Long", "steps": [mail("\n".join(map(str, range(MOST_LINES + 500)))), *steps_with_click()]})
    found = difference(None, after, {})
    assert len(found.lines) == MOST_LINES + 1
    assert found.lines[-1][0] == "gap"
    assert "lines more" in found.lines[-1][1]
    assert [each.what for each in found.steps] == ["new"] * len(after["steps"])
