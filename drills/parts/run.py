"""What all drills share: a seed, a stack of its own with crash points, faults made one after the other, and the document."""

import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from demo.client import DemoError
from drills.parts.patience import DrillError
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack

LARGEST_SEED = 2**32
SWEEP_SECONDS = "2"

Scene = TypeVar("Scene")
Fault = Callable[[Scene], Awaitable[None]]
"""Breaks something and waits until it is healed. Raises DrillError when it had no effect, so that nothing was proved; the message
says why."""


def seed(settings: Settings) -> int:
    """Returns `DRILL_SEED`, or a new seed."""
    return settings.drill_seed if settings.drill_seed is not None else random.randrange(LARGEST_SEED)


@contextmanager
def drill_stack(**variables: str) -> Iterator[tuple[Settings, Path]]:
    """A stack for the drill alone, which sweeps often, and the directory in which its crash points are armed."""
    with own_directory("drill") as directory:
        crashes = directory / "crashes"
        crashes.mkdir()
        variables = {"DRILL_CRASH": str(crashes), "SWEEP_INTERVAL": SWEEP_SECONDS, **variables}
        with own_stack(directory / "var", **variables) as settings:
            yield settings, crashes


async def make_all(faults: Sequence[Fault[Scene]], scene: Scene) -> dict[str, bool]:
    """Makes the faults one after the other and returns which of them had their effect. A fault that could not be made has not
    fired, and the others go on."""
    return {name(fault): await _make(fault, scene) for fault in faults}


async def _make(fault: Fault[Scene], scene: Scene) -> bool:
    begin = time.monotonic()
    try:
        await fault(scene)
    except (DrillError, DemoError, httpx.HTTPError, psutil.Error, OSError) as error:
        say(f"{name(fault)}: NOT FIRED after {time.monotonic() - begin:.1f} s: {error!r}")
        return False
    say(f"{name(fault)}: healed after {time.monotonic() - begin:.1f} s")
    return True


def name(fault: Fault[Scene]) -> str:
    return getattr(fault, "__name__", "fault")


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_document(title: str, document: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    table = Table("what", "result", title=f"drill: {title}")
    for key, value in document.items():
        lines = [f"{each}: {found}" for each, found in value.items()] if isinstance(value, dict) else [str(value)]
        table.add_row(key, "\n".join(lines))
    Console().print(table)
