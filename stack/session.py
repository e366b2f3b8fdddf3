"""A stack for as long as a block runs: the demo starts one when none is running, benchmarks and tests always have their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from settings import Settings
from stack.errors import StackError
from stack.processes import tethered

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 60


@contextmanager
def started(environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`./linkwake up` with these variables, ready when the block begins and stopped when it ends. Raises StackError.

    Its progress goes to our stderr.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        tethered([sys.executable, str(ROOT / "cli.py"), "up"]),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    drain = None
    try:
        _wait_for_addresses(process)
        # Somebody must read on, or a full pipe would stop the stack one day.
        drain = threading.Thread(target=_drain, args=(_output(process),), daemon=True)
        drain.start()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        if drain is not None:
            drain.join()
        _output(process).close()


@contextmanager
def own_stack(var_dir: Path, **variables: str) -> Iterator[Settings]:
    """A stack on free ports with its data in `var_dir`; the settings with which to reach it."""
    ports = dict(zip(("API_PORT", "REDIRECT_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"), map(str, free_ports(4)), strict=True))
    empty = dict.fromkeys(
        (
            "DATABASE_URL",
            "TEMPORAL_ADDRESS",
            "TEMPORAL_PROFILE",
            "TEMPORAL_CONFIG_FILE",
            "TOKEN_KEYS",
            "LINK_DOMAIN",
            "WORKER_METRICS_PORT",
        ),
        "",
    )
    with started({"VAR_DIR": str(var_dir), **empty, **ports, **variables}):
        yield Settings(
            _env_file=None,
            var_dir=var_dir,
            api_port=int(ports["API_PORT"]),
            redirect_port=int(ports["REDIRECT_PORT"]),
            temporal_port=int(ports["TEMPORAL_PORT"]),
            temporal_ui_port=int(ports["TEMPORAL_UI_PORT"]),
        )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. Another process may take one before we do; then `up` says so."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_for_addresses(process: subprocess.Popen[str]) -> None:
    """`up` prints its addresses when everything is ready."""
    for line in _output(process):
        if line.startswith("Redirect"):
            return
    raise StackError("The stack did not start; the lines above say why.")


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout  # noqa: S101 - it is a pipe
    return process.stdout


def _drain(lines: IO[str]) -> None:
    for _ in lines:
        pass
