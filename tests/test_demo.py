"""The whole loop as a user has it: `./linkwake demo` and `./linkwake try` on a stack of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import httpx
import pytest

from settings import Settings
from stack.children.processes import tethered
from stack.servers.ports import free_port
from stack.session import own_stack
from tests.hostile import HOSTILE, NETWORK
from tests.stand_in import Quiet, serving

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, str(ROOT / "cli.py")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with own_stack(tmp_path_factory.mktemp("demo") / "var", ALLOW_LOCAL_ADDRESSES="true") as settings:
        yield settings


def run_demo(settings: Settings, *arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
    return run(environment(settings, database_url), "demo", *arguments)


def environment(settings: Settings, database_url: str = "") -> dict[str, str]:
    return {
        **os.environ,
        **(NETWORK if database_url else HOSTILE),  # with a database of one's own, libpq's proofs count
        "DATABASE_URL": database_url,
        "VAR_DIR": str(settings.var_dir),
        "API_PORT": str(settings.api_port),
        "REDIRECT_PORT": str(settings.redirect_port),
    }


def run(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        tethered([*COMMAND, *arguments]), capture_output=True, text=True, env=variables, timeout=300
    )


@contextmanager
def trying(settings: Settings, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`./linkwake try` when it waits for a click, and the link that it has printed."""
    with subprocess.Popen(  # noqa: S603 - our own command
        tethered([*COMMAND, "try", *arguments]),
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = list(takewhile(lambda line: not line.startswith("Waiting for the click"), process.stdout))
            yield process, next(line.strip() for line in said if line.startswith("    http://"))
        finally:
            process.kill()


def _opens_the_report(line: str) -> None:
    (address,) = re.findall(r"^Report      (\S+/console/sign-in/\S+)   \(signs in once", line)
    answer = httpx.get(address, follow_redirects=True, trust_env=False)
    assert answer.status_code == 200
    assert "Report" in answer.text
    assert answer.url.path.startswith("/console/campaigns/")


def test_the_demo_tells_the_same_story_everywhere(stack: Settings) -> None:
    done = run_demo(stack, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["consistent"] is True
    campaign = {name: value for name, value in document["campaign"].items() if not isinstance(value, dict)}
    assert campaign == {"sent": 200, "clicks": 70, "people": 60, "bot_clicks": 5, "follow_ups": 60}
    assert document["sequence"] == {"enrolled": 40, "clicked_branch": 25, "timeout_branch": 15}
    fired = dict.fromkeys(("fired", "tagged", "messages", "enrolled", "notified", "engaged"), 60)
    assert document["triggers"] == {**fired, "moved": 8, "unengaged": 140}
    assert sum(document["campaign"]["devices"].values()) == 70
    assert {"message", "click", "step", "trigger"} == {entry["kind"] for entry in document["conversation"]}
    _opens_the_report(done.stderr.splitlines()[-1])
    assert re.search(r"^API key     lw_\S+ .*\nAPI         http://127\.0\.0\.1:\d+/docs: ", done.stderr, re.MULTILINE)


def test_a_try_that_is_interrupted_says_what_becomes_of_it(stack: Settings) -> None:
    with trying(stack) as (process, _):
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest.strip().endswith("The enrollment goes on: it ends 15 minutes after its message.")


def test_a_try_shows_the_click_and_what_the_workflow_did_next(stack: Settings) -> None:
    with trying(stack) as (process, link):
        assert httpx.get(link, headers={"User-Agent": "curl/8.14.1"}, trust_env=False).status_code == 302
        assert process.stdout is not None
        lines = list(takewhile(lambda line: f"run ./linkwake click {link}" not in line, process.stdout))
        assert "by a program (bot: library): it is recorded and wakes nothing." in lines[-1]
        opened = run(environment(stack), "click", link)
        assert "It leads to https://www.example.com/guide" in opened.stdout
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    shown = [line.split(maxsplit=1)[1] for line in rest.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert [re.sub(" +", " ", line) for line in shown] == [
        "click by a person, with Firefox",
        "left wait_for_click: clicked, next is thanks",
        "entered thanks",
        'message accepted: "Thanks for the click, Ada!"',
        "left thanks: sent",
        "ended clicked",
    ]


def test_a_try_is_one_document_for_programs(stack: Settings) -> None:
    with trying(stack, "--json") as (process, link):
        run(environment(stack), "click", link)
        rest, _ = process.communicate(timeout=60)
    document = json.loads(rest[rest.index("\n{") :])
    assert set(document) == {"contact_id", "enrollment_id", "link", "outcome"}
    assert (document["link"], document["outcome"]) == (link, "clicked")


def test_a_try_without_a_stack_is_one_sentence(tmp_path: Path) -> None:
    done = run(environment(Settings(_env_file=None, var_dir=tmp_path, api_port=free_port())), "try")
    assert done.returncode == 1
    assert done.stderr == "No stack is running here: run ./linkwake up in another terminal, then ./linkwake try again.\n"


class _Another(Quiet):
    """A Linkwake that does not know our keys."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/ready" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def another_port() -> Iterator[int]:
    with serving(_Another) as port:
        yield port


@pytest.mark.parametrize("own_database", [True, False])
def test_the_api_of_another_stack_is_one_sentence(
    another_port: int, own_database: bool, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, api_port=another_port)
    done = run_demo(settings, "--json", database_url=database_url if own_database else "")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["consistent"] is False
    assert done.stderr.strip() == f"The demo stopped: {document['problem']}"
    sentence = f"The demo stopped: the API at port {another_port} is not the one of this stack (VAR_DIR={tmp_path}): "
    assert done.stderr.strip().splitlines()[-1].startswith(sentence)
    assert len(done.stderr.strip().splitlines()) == 1
