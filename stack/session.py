"""Runs a stack for as long as a block runs. The demo starts one when none is running; benchmarks and tests always have their
own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from settings import Settings
from stack.children.processes import tethered
from stack.environment import SETTINGS
from stack.errors import StackError
from stack.servers.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 60
TEMPORAL_PLACES = {"TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"}
"""Variables besides the settings that name a Temporal server of one's own."""


@contextmanager
def started(environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Runs `./linkwake up` with these variables. It is ready when the block begins and stopped when the block ends. Raises
    StackError.

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
        # Somebody has to read on, or a full pipe would stop the stack one day.
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
    """Runs a stack on free ports with its data in `var_dir`, and yields the settings with which to reach it.

    Neither the stack nor what is yielded has a setting of `.env` or of this process: an address there would lead a benchmark or
    a drill to the user's own database.
    """
    ports = dict(zip(("API_PORT", "REDIRECT_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"), map(str, free_ports(4)), strict=True))
    variables = {"VAR_DIR": str(var_dir), **ports, **variables}
    with started(nothing_set_but(**variables)):
        yield _defaults_but(variables)


def nothing_set_but(**variables: str) -> dict[str, str]:
    """Returns variables for a process of ours with which no other setting of `.env` or of this process reaches it: an empty one
    means that it is not set."""
    return {**dict.fromkeys(SETTINGS | TEMPORAL_PLACES, ""), **variables}


def _defaults_but(variables: dict[str, str]) -> Settings:
    """Returns settings of these variables alone."""
    defaults: dict[str, Any] = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings(_env_file=None, **{**defaults, **{name.lower(): value for name, value in variables.items()}})


def _wait_for_addresses(process: subprocess.Popen[str]) -> None:
    """Returns when `up` has printed its addresses, which it does when everything is ready."""
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
