"""The providers of `drill sending` as processes: a mail server and the stand-in for Twilio. Each can be killed and comes back at
the same port with what it had taken."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drills.parts.patience import DrillError
from stack.children.processes import tethered

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Taken:
    """A message that a provider has taken. `taken_at` is in seconds since 1970."""

    to: str
    text: str
    taken_at: float


class Provider:
    """A process of `module`, whose settings have a `port` and the `log` of what it takes."""

    def __init__(self, module: str, settings: Mapping[str, Any]) -> None:
        self._module = module
        self._settings = dict(settings)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def port(self) -> int:
        return int(self._settings["port"])

    @property
    def log(self) -> Path:
        return Path(self._settings["log"])

    async def start(self) -> None:
        command = tethered([sys.executable, "-m", self._module])
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        self._process.stdin.write(json.dumps(self._settings).encode())
        self._process.stdin.close()
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
        except TimeoutError:
            line = b""
        if not line.strip():
            raise DrillError(f"{self._module} has not started.")
        self._settings["port"] = int(line.decode().strip().rpartition(":")[2])

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def lines(self) -> list[dict[str, Any]]:
        """Returns what it has written down. A line that a kill cut off was never answered for."""
        found = []
        for line in self.log.read_text().splitlines() if self.log.exists() else ():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found


def mails(provider: Provider) -> list[Taken]:
    return [Taken(each["to"], each["text"], each["taken_at"]) for each in provider.lines()]


def text_messages(provider: Provider) -> list[Taken]:
    found = [each["taken"] for each in provider.lines() if "taken" in each]
    return [Taken(each["to"], each["body"].strip(), each["taken_at"]) for each in found]
