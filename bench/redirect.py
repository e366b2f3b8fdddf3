"""`./linkwake bench redirect`: durable clicks a second beside the floor, delays at a steady 1,000 a second, and memory.

The whole stack runs on this machine, its recorder at work, and the load comes from a process of its own. `floor_rps` is the same
server and route, with token and destination, without journal and verdict; `bare_rps` is the server's answer alone.
"""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.parts.load import Load, has_wrk, run_load, run_wrk
from bench.parts.processes import stack_processes
from bench.parts.report import print_report
from bench.parts.rows import Sendings, add_sendings, stored_clicks, vacuum
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.children.processes import tethered
from stack.own_directory import own_directory
from stack.servers.ports import free_ports
from stack.servers.temporal import answers
from stack.session import ROOT, nothing_set_but, own_stack
from tracking.tokens.token import TokenCodec

CONTENTS, SENT, PEOPLE, LINKS = 100_000, 200, 1_000, 2
CONNECTIONS = 64
SECONDS = 12.0
STEADY_SECONDS, STEADY_RATE = 20.0, 1_000
MISSES = 1_000_000
STOP_SECONDS = 60.0
SPARE = 0.9
"""Part of the tokens that may be used, because the machine can be quicker a moment later."""

GOALS = {"rps": 8_000, "ratio_to_floor": 0.35, "p99_ms": 50, "steady_p50_ms": 3, "steady_p99_ms": 20, "memory_mb": 200}


@dataclass(frozen=True)
class Run:
    """The load of all phases, and the redirect's memory in MB with all contents and after the misses."""

    warm: Load
    flat_out: Load
    steady: Load
    floor: Load
    bare: Load
    stored: int
    doubled: int
    misses: int
    memory: float
    memory_after_misses: float


def main(as_json: bool) -> int:
    """Status 0 when no click was lost or twice; the goals are for a quiet machine with two cores."""
    # Bursts of one message's links do not happen here: each link is clicked once, and none is held.
    with own_directory("bench") as directory:
        variables = {"SUSPECT_HOLD": "PT0S", "LOG_LEVEL": "warning", "MISS_LIMIT": "0"}
        with own_stack(directory / "var", **variables) as settings:
            run = asyncio.run(_measure(settings, directory))
    figures = _figures(run)
    print_report("redirect", figures, as_json)
    return 1 if run.flat_out.errors or figures["lost"] or figures["doubled"] else 0


def _figures(run: Run) -> dict[str, object]:
    answered = run.warm.answered + run.flat_out.answered + run.steady.answered
    return {
        "rps": round(run.flat_out.rps),
        "p50_ms": round(run.flat_out.p50_ms, 1),
        "p99_ms": round(run.flat_out.p99_ms, 1),
        "answered": answered,
        "recorded": run.stored,
        "lost": max(0, answered - run.stored),
        "doubled": run.doubled,
        "floor_rps": round(run.floor.rps),
        "ratio_to_floor": round(run.flat_out.rps / run.floor.rps, 2),
        "bare_rps": round(run.bare.rps),
        "steady_rps": round(run.steady.rps),
        "steady_p50_ms": round(run.steady.p50_ms, 2),
        "steady_p99_ms": round(run.steady.p99_ms, 2),
        "contents": CONTENTS,
        "memory_mb": round(run.memory),
        "misses": run.misses,
        "memory_after_misses_mb": round(run.memory_after_misses),
        "connections": CONNECTIONS,
        "generator": "wrk" if has_wrk() else "bench/parts/load.py",
        "goals": GOALS,
    }


async def _measure(settings: Settings, directory: Path) -> Run:
    _say(f"making {CONTENTS:,} contents and {SENT * PEOPLE:,} messages")
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Benchmark")
        sendings = await add_sendings(session, organization.id, CONTENTS, SENT, PEOPLE)
    await vacuum(database)
    tokens = _tokens(settings, sendings)
    redirect = _process_on(settings.redirect_port)
    warm = _wait_for_all_links(settings.redirect_port, redirect, directory, tokens)
    memory = _memory(redirect)

    paths = _file(directory / "steady", itertools.islice(tokens, int(STEADY_SECONDS * STEADY_RATE) + CONNECTIONS))
    _say(f"{STEADY_RATE:,} clicks a second")
    steady = run_load(settings.redirect_port, paths, CONNECTIONS, STEADY_SECONDS, STEADY_RATE)
    rest = list(tokens)
    paths = _file(directory / "clicks", iter(rest))
    bare = _without_durability(settings, "bare", paths)
    _say("clicks as fast as they are answered")
    flat_out = _load(settings.redirect_port, paths, _seconds(len(rest), bare.rps), len(rest))
    async with database.transaction() as session:
        stored, doubled = await stored_clicks(session)
    await database.close()

    floor = _without_durability(settings, "floor", paths)
    _say("random tokens")
    misses = run_load(settings.redirect_port, "random", CONNECTIONS, 600, 0, MISSES) if MISSES else None
    return Run(
        warm=warm,
        flat_out=flat_out,
        steady=steady,
        floor=floor,
        bare=bare,
        stored=stored,
        doubled=doubled,
        misses=misses.answered if misses else 0,
        memory=memory,
        memory_after_misses=_memory(redirect),
    )


def _seconds(tokens: int, fastest: float) -> float:
    """How long clicks can go on when no link may be clicked twice: no click is answered faster than the server's bare answer."""
    return min(SECONDS, SPARE * tokens / fastest)


def _without_durability(settings: Settings, target: str, paths: Path) -> Load:
    """Here links may come twice."""
    _say(f"the server without durability: {target}")
    with _serving(settings, target) as port:
        return _load(port, paths, SECONDS)


def _load(port: int, paths: Path, seconds: float, most: int = 0) -> Load:
    """Wrk, which knows no `most`, runs for whole seconds."""
    if has_wrk() and seconds >= 1:
        return run_wrk(port, paths, CONNECTIONS, seconds)
    return run_load(port, paths, CONNECTIONS, seconds, most=most)


def _tokens(settings: Settings, sendings: Sendings) -> Iterator[str]:
    """Each link of each recipient once, in no order."""
    codec = TokenCodec(settings.effective_token_keys)
    numbers = list(range(sendings.sent * sendings.people * LINKS))
    random.shuffle(numbers)
    for number in numbers:
        rest, position = divmod(number, LINKS)
        content, recipient_number = divmod(rest, sendings.people)
        yield codec.encode(sendings.first + content, recipient_number, position)


def _file(path: Path, tokens: Iterator[str]) -> Path:
    path.write_text("\n".join(tokens))
    return path


def _wait_for_all_links(port: int, redirect: psutil.Process, directory: Path, tokens: Iterator[str]) -> Load:
    """Until the redirect has read the last contents: it takes them in order, and then its processor time stands still."""
    used = -1.0
    while redirect.cpu_times().user - used > 0.15:
        used = redirect.cpu_times().user
        time.sleep(2)
    warm = run_load(port, _file(directory / "warm", itertools.islice(tokens, 2000)), CONNECTIONS, 10, 0, 1000)
    if warm.errors:
        raise SystemExit("The redirect does not know the links.")
    return warm


def _process_on(port: int) -> psutil.Process:
    """The process that serves; Granian's own one waits beside it."""
    processes = [each for each, role in stack_processes() if role == "redirect"]
    for each in processes:
        if each.parent() in processes:
            return each
    raise SystemExit(f"Nobody serves port {port}.")


def _memory(process: psutil.Process) -> float:
    """MB of the redirect: what its serving process has to itself and its share of the rest."""
    return float(process.memory_full_info().pss / 1e6)


@contextmanager
def _serving(settings: Settings, target: str) -> Iterator[int]:
    """`bench/parts/floor.py` under the same server, with the same data."""
    [port] = free_ports(1)
    variables = nothing_set_but(VAR_DIR=str(settings.var_dir), REDIRECT_PORT=str(port), LOG_LEVEL="warning")
    command = tethered([sys.executable, "-m", "bench.parts.floor", target])
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables})  # noqa: S603 - our own module
    try:
        while not answers("127.0.0.1", port, "/health/live"):
            if process.poll() is not None:
                raise SystemExit("The floor's server did not start.")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
