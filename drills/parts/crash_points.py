"""A crash point as a drill sees it: the drill arms it, brings work to it, and waits until a process has died there.

The file is that of `services/process/crashpoint.py`: each hit lowers the number in it.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from drills.parts.patience import HEAL_SECONDS, POLL_SECONDS, DrillError, Patience

FIRED = ".fired"
FIRST_PAUSE = 20.0
"""Seconds without a hit after which work is brought again. Each further time they are twice as many."""

Work = Callable[[], Awaitable[object]]


async def no_work() -> None:
    """For a point to which the load comes by itself."""


class CrashPoint:
    def __init__(
        self, file: Path, clock: Callable[[], float] = time.monotonic, wait: Work = lambda: asyncio.sleep(POLL_SECONDS)
    ) -> None:
        self._file, self._clock, self._wait = file, clock, wait
        self._fired = file.with_name(file.name + FIRED)

    @property
    def fired(self) -> bool:
        return self._fired.exists()

    @property
    def fired_at(self) -> float:
        """When the process died, on the wall clock."""
        return self._fired.stat().st_mtime

    async def reach(self, spared: int, bring: Work) -> None:
        """Returns when a process has died here after `spared` hits. `bring` brings work to the point.

        Once may not be enough: one machine does at one go what another does in many parts, and on a slow one another process may
        have done the work. So when no hit comes for a while, work is brought again, and then the first hit is the last. Raises
        DrillError when that does not help either.
        """
        self._file.write_text(str(spared))
        end, pause, times, hits = self._clock() + HEAL_SECONDS, FIRST_PAUSE, 1, 0
        try:
            await bring()
            patience = Patience(pause, self._clock)
            while not self.fired:
                left = self._left()
                if times == 1 and left is not None:
                    hits = spared - left
                if self._clock() > end:
                    raise DrillError(
                        f"Nothing died at {self._file.name} within {HEAL_SECONDS:.0f} s. It was to let {spared} hits pass, and "
                        f"had {hits}; work was brought to it {times} times."
                    )
                if patience.is_over(left):
                    self._spare_none()
                    await bring()
                    times, pause = times + 1, 2 * pause
                    patience = Patience(pause, self._clock)
                await self._wait()
        finally:
            self._file.unlink(missing_ok=True)

    def _left(self) -> int | None:
        """Returns how many hits it still lets pass, and None for a moment while that is being written."""
        try:
            return int(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _spare_none(self) -> None:
        """Does not make the file again: it may just have been renamed, and a second process would die."""
        with contextlib.suppress(FileNotFoundError), self._file.open("r+") as armed:
            armed.write("0")
            armed.truncate()
