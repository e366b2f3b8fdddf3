"""What the log says of the console: each page once, what a form has changed, and nothing of people."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.builders import Caller
from tests.console.conftest import Browser

SOMEBODY = "01890000-0000-7000-8000-000000000000"
TRACES = ("canary", "15100000777")


def requests(lines: list[Any]) -> list[Any]:
    assert [trace for trace in TRACES if trace in repr(lines).lower()] == []
    return [line for line in lines if line["event"] == "request"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/contacts?q=Canary+Canaryson", "/console/contacts"),
        ("/search?q=canary@example.com", "/console/search"),
        ("/contacts?tag=canary", "/console/contacts"),
        ("/contacts/canary@example.com", "/console/contacts/{contact_id}"),
        ("/contacts/+4915100000777/why", "/console/contacts/{contact_id}/why"),
        (f"/contacts/{SOMEBODY}?q=canary", f"/console/contacts/{SOMEBODY}"),
        ("/canary@example.com", "(unknown)"),
    ],
)
async def test_what_somebody_looks_for_is_in_no_line(browser: Browser, path: str, shown: str) -> None:
    with capture_logs() as lines:
        await browser.open(path)
    assert [line["path"] for line in requests(lines)] == [shown]


async def test_what_a_sign_in_is_given_is_in_no_line(visitor: Browser) -> None:
    with capture_logs() as lines:
        await visitor.sign_in("canary@example.com")
        await visitor.open("/contacts?q=canary")
        await visitor.open("/sign-in/canary", next="/console/contacts?q=canary")
    assert len(requests(lines)) == 3


async def test_a_form_that_changes_something_says_what_was_done_to_what(browser: Browser, api: Caller) -> None:
    token = await browser.token()
    with capture_logs() as lines:
        shown = await browser.send("/contacts/new", form_token=token, first_name="Canary", email="canary@example.com")
    assert shown.status == 303, shown.text
    (line,) = requests(lines)
    contact = shown.location.partition("?")[0].rpartition("/")[2]
    assert (line["action"], line["target"], line["key_id"]) == ("contacts.create", f"contact {contact}", api.key[3:15])
    (row,) = (await api.get("/audit-log", params={"action": "contacts.create"})).json()["items"]
    assert (row["request_id"], row["key_id"]) == (line["request_id"], line["key_id"])


async def test_a_form_that_is_refused_says_nothing_of_a_change(browser: Browser) -> None:
    token = await browser.token()
    with capture_logs() as lines:
        shown = await browser.send("/contacts/new", form_token=token, email="canary")
    (line,) = requests(lines)
    assert (shown.status, "action" in line) == (422, False)
