"""What can be done to a stack: kill a process of it, stop PostgreSQL for a while, make a process die at a named point."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from drills.parts.crash_points import CrashPoint, Work, no_work
from drills.parts.patience import DrillError, until
from models.database import Database
from settings import Settings
from stack.servers.temporal import HOST
from stack.state import READY_FILE

Span = tuple[float, float]


class Target:
    """A running stack of the drill's own. `down` are the times at which its redirect was away, on the wall clock."""

    def __init__(self, settings: Settings, database: Database, crashes: Path) -> None:
        self.settings = settings
        self.down: list[Span] = []
        self._supervisor = psutil.Process(int(settings.stack_state["pid"]))  # whoever starts the drill may have other servers
        self._database = database
        self._crashes = crashes
        self._http = httpx.AsyncClient(timeout=5, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def kill(self, name: str, child: bool = False) -> None:
        """Kills a role, `temporal` or `postgres` with SIGKILL as soon as it works, because it may just have died of the fault
        before. `child` kills the process that the role's first process has made."""
        await until(f"{name} at work", lambda: self._works(name))
        processes = self._processes(name)
        begin = time.time()
        processes[-1 if child else 0].kill()
        await self._back(name, _ids(processes), begin)

    async def kill_and_leave(self, name: str) -> Callable[[], Awaitable[None]]:
        """Kills a role with all its processes. Calling what it returns waits until the role is back."""
        processes, begin = self._processes(name), time.time()
        for process in reversed(processes):
            with contextlib.suppress(psutil.NoSuchProcess):  # the one before was its only child
                process.kill()
        return lambda: self._back(name, _ids(processes), begin)

    @asynccontextmanager
    async def silent_postgres(self) -> AsyncIterator[None]:
        """Makes PostgreSQL silent: every process of it is stopped while the block runs."""
        async with standing_still(self._processes("postgres")[0]):
            yield

    async def crash(self, role: str, name: str, spared: int, bring: Work = no_work) -> None:
        """Makes the role die at this crash point after this many hits, to which `bring` brings work, and waits until it is
        back."""
        await until(f"{role} at work", lambda: self._works(role))
        point, before = CrashPoint(self._crashes / f"{role}.{name}"), _ids(self._processes(role))
        await point.reach(spared, bring)
        await self._back(role, before, point.fired_at)

    async def journal(self) -> dict[str, float]:
        """Returns what became of clicks since the redirect's start, by state, as soon as the redirect says it."""
        counts: dict[str, float] = {}

        async def said() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                counts.update(_journal((await self._http.get(self._url("/metrics"))).text))
            return bool(counts)

        await until("the redirect says what became of clicks", said)
        return counts

    def _processes(self, name: str) -> list[psutil.Process]:
        """The first process found is the parent of the others. Raises DrillError when there is no such process."""
        found = [each for each in self._supervisor.children(recursive=True) if _is(each, name)]
        found.sort(key=_depth)
        if not found:
            raise DrillError(f"There is no process of {name}.")
        return found

    async def _back(self, name: str, before: set[int], begin: float) -> None:
        await until(f"another process of {name}", lambda: asyncio.sleep(0, self._replaced(name, before)))
        await until(f"{name} at work", lambda: self._works(name))
        if name == "redirect":
            self.down.append((begin, time.time()))

    def _replaced(self, name: str, before: set[int]) -> bool:
        with contextlib.suppress(DrillError):
            return self._processes(name)[0].pid not in before
        return False

    async def _works(self, name: str) -> bool:
        if name == "worker":
            ready = self.settings.var_dir / READY_FILE
            with contextlib.suppress(DrillError, OSError):
                return ready.read_text() == str(self._processes("worker")[0].pid)
            return False
        if name == "postgres":
            with contextlib.suppress(Exception):  # whatever it is, it does not work yet
                await self._database.ping()
                return True
            return False
        with contextlib.suppress(httpx.HTTPError):
            url = self._url("/health/ready") if name == "redirect" else self._namespace()
            return bool((await self._http.get(url)).is_success)
        return False

    def _url(self, path: str) -> str:
        return f"http://{HOST}:{self.settings.redirect_port}{path}"

    def _namespace(self) -> str:
        return f"http://{HOST}:{self.settings.temporal_ui_port}/api/v1/namespaces/{self.settings.effective_temporal_namespace}"


def _ids(processes: Iterable[psutil.Process]) -> set[int]:
    return {process.pid for process in processes}


def _depth(process: psutil.Process) -> int:
    """A process that ends meanwhile, such as a session of PostgreSQL, comes last."""
    try:
        return len(process.parents())
    except psutil.Error:
        return sys.maxsize


def _journal(metrics: str) -> dict[str, float]:
    lines = [line for line in metrics.splitlines() if line.startswith("linkwake_journal_clicks_total{state=")]
    return {state: float(value.removeprefix("} ")) for _, state, value in (line.split('"') for line in lines)}


def _is(process: psutil.Process, name: str) -> bool:
    """Roles are `cli.py NAME`, servers are programs; a session of PostgreSQL has rewritten its command line."""
    with contextlib.suppress(psutil.Error):
        command = process.cmdline()
        if name in ("postgres", "temporal"):
            return bool(process.name() == name)
        return command[-1:] == [name] and any(part.endswith("cli.py") for part in command)
    return False


@asynccontextmanager
async def standing_still(parent: psutil.Process) -> AsyncIterator[None]:
    """Returns a process and everything that it has started. The parent is stopped first: then it makes no more processes, and a
    look at the others finds all."""
    stopped = [parent]
    try:
        await stop(parent)
        stopped += parent.children(recursive=True)
        for process in stopped[1:]:
            await stop(process)
        yield
    finally:
        for process in reversed(stopped):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


async def stop(process: psutil.Process) -> None:
    """Returns when the process stands still, or has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.suspend()
        await until(f"process {process.pid} stands still", lambda: asyncio.sleep(0, _stands_still(process)))


def _stands_still(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
