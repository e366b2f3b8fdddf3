"""One form for all lines of a role, ours and our libraries'."""

import json
import subprocess
import sys

from tests.stack.dummies import ROOT

CODE = """
import logging, structlog, sys
from settings import Settings
from stack.roles.logs import configure
configure(Settings(_env_file=None, log_level=sys.argv[1], log_format=sys.argv[2]))
structlog.get_logger().info("ours", number=1)
logging.getLogger("library").warning("theirs %s", 2)
logging.getLogger("httpx").info("every request")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("failed")
"""


def _lines(level: str, form: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", CODE, level, form], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_is_one_document_a_line_for_ours_and_theirs() -> None:
    ours, theirs, failed = (json.loads(line) for line in _lines("info", "json"))
    assert (ours["event"], ours["level"], ours["number"]) == ("ours", "info", 1)
    assert (theirs["event"], theirs["level"]) == ("theirs 2", "warning")
    assert failed["raised"] == "ZeroDivisionError inside <string>:10 <module>"


def test_text_has_the_same_lines_without_colours_in_a_file() -> None:
    lines = _lines("info", "text")
    assert "ours" in lines[0]
    assert "theirs 2" in lines[1]
    assert len(lines) == 3
    assert "ZeroDivisionError inside <string>:10 <module>" in lines[-1]
    assert "\x1b" not in "".join(lines)


CRASH = """
import asyncio, logging, sys, threading
from settings import Settings
from stack.roles.logs import configure
configure(Settings(_env_file=None))
async def fail():
    raise ValueError("canary")
async def main():
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
logging.getLogger("library").error("cannot read: %s", ValueError("canary"))
logging.getLogger("library").error("two lines\\ncanary")
def run():
    raise KeyError("canary")
thread = threading.Thread(target=run)
thread.start()
thread.join()
raise RuntimeError("canary") from ValueError("canary")
"""


def test_no_text_of_an_error_is_written_whoever_logs_it_and_whatever_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], cwd=ROOT, capture_output=True, text=True)  # noqa: S603
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines), "canary" in done.stderr) == (1, 5, False), done.stderr
    found = [line.partition("]")[2].strip() for line in lines]
    assert "ValueError inside <string>:7 fail" in found[0]
    assert [found[1], found[2]] == ["cannot read: ValueError", "two lines"]
    assert "KeyError inside <string>:16 run" in found[3]
    assert "RuntimeError inside <string>:20 <module>; because of ValueError" in found[4]


CLIENT = """
import asyncio
from datetime import timedelta
from settings import Settings
from stack.roles.logs import configure
configure(Settings(_env_file=None))
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import ConnectConfig, RetryConfig, ServiceClient
telemetry = TelemetryConfig(logging=LoggingConfig(filter=TelemetryFilter("TRACE", "TRACE")))
config = ConnectConfig(target_host="127.0.0.1:1", runtime=Runtime(telemetry=telemetry))
try:
    asyncio.run(ServiceClient.connect(config))
except RuntimeError:
    pass
"""


def test_the_temporal_client_writes_no_colours_into_a_file() -> None:
    done = subprocess.run([sys.executable, "-c", CLIENT], cwd=ROOT, capture_output=True, text=True, timeout=60)  # noqa: S603
    lines = done.stdout + done.stderr
    assert "TRACE" in lines, lines
    assert "\x1b" not in lines


def test_the_level_holds_for_both() -> None:
    assert [json.loads(line)["event"] for line in _lines("error", "json")] == ["failed"]
