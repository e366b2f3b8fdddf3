"""What the demo answers when the story stops half-way."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from demo import client, people, story
from demo.client import Consumer
from demo.team import Team
from settings import Settings
from tests.stand_in import Quiet, serving

BUSY = "/v1/organization"


class _Stuck(Quiet):
    """A Linkwake whose campaign stands still at its 41st message. It is not ready, and has no time for the first look."""

    asked: set[str]

    def do_GET(self) -> None:
        busy = self.path == "/health/ready" or (self.path == BUSY and BUSY not in self.asked)
        self.asked.add(self.path)
        self._answer({"id": "1", "messages": {"accepted": 41}}, 503 if busy else 200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self._answer({"id": "1", "results": [{"contact_id": str(number)} for number in range(people.CONTACTS)]})

    def _answer(self, body: object, status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def stuck_port() -> Iterator[int]:
    _Stuck.asked = set()
    with serving(_Stuck) as port:
        yield port


def test_a_story_that_stands_still_is_one_json_document_that_says_how_far_it_came(
    stuck_port: int, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(story, "Settings", lambda: Settings(_env_file=None, database_url=database_url, api_port=stuck_port))
    monkeypatch.setattr(story, "_new_organization", lambda: {"id": "1", "api_key": "lw_"})
    assert story.main(as_json=True) == 1
    sentence = "Campaign: messages sent: 41 of 200, and nothing has changed for 1 s."
    output = capsys.readouterr()
    assert json.loads(output.out) == {
        "done": {"Contacts": 200, "Campaign: messages sent": 41},
        "consistent": False,
        "problem": sentence,
    }
    assert f"The demo stopped: {sentence}" in output.err


def test_a_stack_that_reaches_nothing_on_this_machine_notifies_nobody_and_says_how_it_would(
    capsys: pytest.CaptureFixture[str],
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json={"code": "invalid"}))
    consumer = Consumer("http://127.0.0.1:1", "lw_")
    consumer._client = httpx.AsyncClient(base_url="http://127.0.0.1:1", transport=transport)
    assert asyncio.run(story._target(consumer, Team("json://127.0.0.1:9/team"))) is None
    assert "Start the stack with ALLOW_LOCAL_ADDRESSES=true." in capsys.readouterr().err
