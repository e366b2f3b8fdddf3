"""`./linkwake click` against a stand-in for the redirect, which writes down what it is asked."""

from collections.abc import Iterator

import pytest

from settings import Settings
from stack.click import click
from stack.errors import StackError
from stack.servers.ports import free_port
from tests.stand_in import Quiet, serving
from tracking.verdicts.reason import reason_of

ASKED: list[tuple[str, str, dict[str, str]]] = []


class Redirect(Quiet):
    """Knows one link and one page."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        ASKED.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        known = self.path.partition("?")[0] == "/4jQ0ZbX81mKeuC"
        self.send_response(302 if known else 200 if self.path == "/unsubscribe/4jQ0ZbX81mKeuC" else 404)
        if known:
            self.send_header("Location", "https://www.example.com/guide")
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def settings() -> Iterator[Settings]:
    ASKED.clear()
    with serving(Redirect) as port:
        yield Settings(_env_file=None, redirect_port=port, link_domain="https://go.example.com")


def test_a_link_is_opened_as_by_a_person_and_it_says_where_it_leads(settings: Settings) -> None:
    opened = click(settings, "https://go.example.com/4jQ0ZbX81mKeuC?a=1")
    assert str(opened).splitlines() == [
        "Opened https://go.example.com/4jQ0ZbX81mKeuC?a=1 as Firefox on Linux would.",
        "It leads to https://www.example.com/guide",
    ]
    assert [(method, path) for method, path, _ in ASKED] == [(method, "/4jQ0ZbX81mKeuC?a=1") for method in ("HEAD", "GET")]
    assert {headers["host"] for *_, headers in ASKED} == {"go.example.com"}
    assert reason_of("GET", ASKED[1][2]).verdict == "human"


def test_what_is_no_link_of_this_stack_is_refused_and_never_opened(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"^https://www\.example\.com/prices is not a link of this stack: nothing was opened\.$"):
        click(settings, "https://www.example.com/prices")
    assert [method for method, *_ in ASKED] == ["HEAD"]


def test_a_page_such_as_that_of_an_unsubscribe_link_is_not_to_be_tried_again(settings: Settings) -> None:
    with pytest.raises(
        StackError, match="is a page that leads nowhere, such as that of an unsubscribe link: open it in a browser"
    ):
        click(settings, "https://go.example.com/unsubscribe/4jQ0ZbX81mKeuC")
    assert [method for method, *_ in ASKED] == ["HEAD"]


@pytest.mark.parametrize(
    "url",
    [
        "4jQ0ZbX81mKeuC",
        "go.example.com/x",
        "https://go.example.com",
        "https://www.example.com/",
        "ftp://go.example.com/x",
        "http://[/x",
    ],
)
def test_what_is_no_address_is_refused_without_a_request(settings: Settings, url: str) -> None:
    with pytest.raises(StackError, match="is not a tracked link: write the whole link as it stands in the message"):
        click(settings, url)
    assert ASKED == []


def test_without_a_stack_it_says_how_to_start_one() -> None:
    with pytest.raises(StackError, match=r"does not answer at http://127\.0\.0\.1:\d+: run \./linkwake up"):
        click(Settings(_env_file=None, redirect_port=free_port()), "http://127.0.0.1:1/4jQ0ZbX81mKeuC")
