"""The shell function of the README shows what went wrong, whatever answers."""

import re
import subprocess
from http import HTTPStatus
from pathlib import Path

import pytest

from stack.servers.ports import free_port
from tests.stand_in import Quiet, serving

README = (Path(__file__).parent.parent / "README.md").read_text()
FUNCTION = re.compile(r"^api\(\) \{.*?^\}$", re.MULTILINE | re.DOTALL)


class _Answering(Quiet):
    """Its paths are `/v1/STATUS/TEXT`, and the text is the answer."""

    def do_GET(self) -> None:
        _, _, status, text = self.path.split("/", 3)
        self.send_response(HTTPStatus(int(status)))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def api(port: int, path: str) -> tuple[int, str, str]:
    found = FUNCTION.search(README)
    assert found
    script = found[0].replace("127.0.0.1:8000", f"127.0.0.1:{port}") + f"\nKEY=lw_; api {path}"
    done = subprocess.run(  # noqa: S603 - our own function
        ["bash", "-c", script],  # noqa: S607 - the shell of whoever runs the test
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/401/false", (1, "", "curl: (22) The requested URL returned error: 401\nfalse\n")),
        ("/502/sorry", (1, "", "curl: (22) The requested URL returned error: 502\nsorry\n")),
        ("/200/plain", (0, "plain\n", "")),
        ("/200/true", (0, "true\n", "")),
    ],
)
def test_every_answer_is_shown(path: str, answer: tuple[int, str, str]) -> None:
    with serving(_Answering) as port:
        assert api(port, path) == answer


def test_a_port_where_nothing_listens_is_named_by_curl() -> None:
    code, out, error = api(port := free_port(), "/contacts")
    assert (code, out) == (1, "")
    assert f"port {port}" in error
