"""What needs somebody leads only to pages that are there."""

from typing import get_args

import pytest

from api.diagnostics.finding import Code
from console.findings import FOR_PEOPLE, PLACES, QUESTIONS, explained, to_do
from console.registry import AREAS
from tests.console.health.test_health import EVIL

FINDING = {"severity": "problem", "sentence": EVIL, "what_to_change": "Change it.", "question": "delivery"}


def test_every_place_is_a_page() -> None:
    pages = {each.path for area in AREAS for each in area.declared if each.method == "GET"}
    assert {path.split("#")[0] for _, path, _ in PLACES} <= pages


def test_problems_and_warnings_are_to_do_and_explanations_are_not() -> None:
    found = to_do([{**FINDING, "code": "channel_paused"}, {**FINDING, "code": "no_links", "severity": "info"}])
    assert [(each.title, each.href, each.question) for each in found] == [
        (EVIL, "/console/settings/channels", QUESTIONS["delivery"])
    ]


def test_a_channel_has_its_own_page_and_words_without_calls() -> None:
    api = {"what_to_change": "Correct that with PATCH /v1/channels/7.", "channel_id": "7"}
    found = to_do([{**FINDING, **api, "code": code} for code in ("channel_paused", "channel_test_failed")])
    assert {each.href for each in found} == {"/console/settings/channels/7"}
    assert not any("/v1/" in each.text for each in found)


@pytest.mark.parametrize("severity", ["problem", "warning", "info"])
def test_no_call_of_the_api_is_shown_whatever_the_finding(severity: str) -> None:
    api = "Correct it. List them with GET /v1/messages?state=planned and ask. Ask the provider (PATCH /v1/channels/7)."
    findings = [{**FINDING, "severity": severity, "what_to_change": api, "code": code} for code in get_args(Code)]
    shown = [*to_do(findings), *explained(findings)]
    assert len(shown) == len(findings)
    assert [each.text for each in shown if each.text not in FOR_PEOPLE.values()] == ["Correct it."] * (
        len(findings) - len(FOR_PEOPLE)
    )
    assert not any("/v1/" in each.text for each in shown)


def test_every_text_for_people_is_about_a_finding_that_there_is() -> None:
    assert FOR_PEOPLE.keys() <= set(get_args(Code))


def test_what_has_no_page_of_its_own_has_no_button() -> None:
    (found,) = to_do([{**FINDING, "code": "temporal_away", "severity": "warning"}])
    assert (found.href, found.verb, found.look) == ("", "", "warn")
