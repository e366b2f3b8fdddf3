"""`./linkwake bench neighbours`: what one organization feels while another one sends its eleven worst inputs.

The neighbour's GET, enrollment, click and first message are timed on the idle stack, and then once more beside each noise. Each
noise comes from a process of its own at the lowest priority (`bench/parts/noise.py`).
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from bench.parts.neighbour import KINDS, Felt, Neighbour
from bench.parts.noise import NOISES, Target
from bench.parts.report import print_report
from demo.client import Consumer
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.children.processes import tethered
from stack.own_directory import own_directory
from stack.session import ROOT, own_stack

IDLE_SECONDS, NOISE_SECONDS, LEAD_SECONDS, REST_SECONDS = 20.0, 10.0, 2.0, 5.0
"""A noise begins LEAD_SECONDS before the neighbour is timed; between two noises the stack has REST_SECONDS."""

GOALS = {"get": 10.0, "enroll": 10.0, "click": 3.0}
"""How many times the idle p99 the p99 beside a noise may be."""


@dataclass(frozen=True)
class Measured:
    """What the neighbour felt beside one noise, and how often the noisy organization got each status."""

    felt: Felt
    answers: dict[str, int]


def main(as_json: bool) -> int:
    """Status 0 when everything was answered; the goals are for a quiet machine with two cores."""
    with own_directory("bench") as directory, own_stack(directory / "var") as settings:
        idle, noises = asyncio.run(measure(settings, NOISES))
    print_report("neighbours", _figures(idle, noises), as_json)
    return int(any(each.felt.failed for each in noises.values()) or bool(idle.failed))


async def measure(
    settings: Settings,
    names: Iterable[str],
    idle_seconds: float = IDLE_SECONDS,
    noise_seconds: float = NOISE_SECONDS,
    rest_seconds: float = REST_SECONDS,
    lead_seconds: float = LEAD_SECONDS,
) -> tuple[Felt, dict[str, Measured]]:
    """What is felt on the idle stack, and beside each noise of these names."""
    api = f"http://127.0.0.1:{settings.api_port}"
    keys = await _two_organizations(settings)
    neighbour = Neighbour(api, keys["neighbour"])
    await neighbour.prepare()
    redirect = f"http://127.0.0.1:{settings.redirect_port}"
    target = Target(api, redirect, keys["noisy"], await _public_link(api, redirect, keys["noisy"]))
    await neighbour.feel(2.0)  # first requests fill caches
    idle = await neighbour.feel(idle_seconds)
    noises = {}
    for name in names:
        print(f"noise: {name}", file=sys.stderr, flush=True)
        with _noise(name, noise_seconds + lead_seconds, target) as answers:
            await asyncio.sleep(lead_seconds)
            felt = await neighbour.feel(noise_seconds)
        noises[name] = Measured(felt, answers)
        await asyncio.sleep(rest_seconds)
    await neighbour.close()
    return idle, noises


async def _two_organizations(settings: Settings) -> dict[str, str]:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        keys = {name: (await create_organization(session, name))[1] for name in ("neighbour", "noisy")}
    await database.close()
    return keys


async def _public_link(api: str, redirect: str, key: str) -> str:
    consumer = Consumer(api, key)
    link = await consumer.post("/shared-links", {"slug": "noise", "destination": "https://example.com/noise"})
    await consumer.close()
    return f"{redirect}/{link['slug']}"


@contextmanager
def _noise(name: str, seconds: float, target: Target) -> Iterator[dict[str, int]]:
    """The noise from its beginning to its end; `answers` is filled at the end."""
    answers: dict[str, int] = {}
    command = tethered([sys.executable, "-m", "bench.parts.noise", name, str(seconds)])
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        to_noise, from_noise = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        to_noise.write(json.dumps(vars(target)) + "\n")
        to_noise.flush()
        from_noise.readline()  # it has begun
        yield answers
        answers |= json.loads(from_noise.readline() or "{}")


def _figures(idle: Felt, noises: dict[str, Measured]) -> dict[str, object]:
    """Milliseconds and, beside a noise, how many times the idle figure they are."""
    quiet = {kind: _shares(idle, kind) for kind in KINDS}
    beside = {name: _beside(each, quiet) for name, each in noises.items()}
    missed = [
        f"{name}: {kind}"
        for name, felt in beside.items()
        for kind, most in GOALS.items()
        if felt[kind]["p99_ratio"] is None or felt[kind]["p99_ratio"] > most
    ]
    return {"idle": {kind: _rounded(each) for kind, each in quiet.items()}, **beside, "goals": GOALS, "missed": missed}


SHARES = {"p50": 0.5, "p99": 0.99}


def _shares(felt: Felt, kind: str) -> dict[str, float | None]:
    """Milliseconds. None when nothing of this kind came to its end, such as a first message on a machine that is too slow."""
    return {share: felt.milliseconds(kind, number) if felt.seconds[kind] else None for share, number in SHARES.items()}


def _beside(measured: Measured, quiet: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for kind in KINDS:
        each = _shares(measured.felt, kind)
        ratios = {f"{share}_ratio": _ratio(each[share], quiet[kind][share]) for share in SHARES}
        figures[kind] = _rounded({**each, **ratios})
    failed = {"count": len(measured.felt.failed), "first": next(iter(measured.felt.failed), None)}
    return {**figures, "failed": failed, "noise_answers": dict(measured.answers)}


def _ratio(beside: float | None, quiet: float | None) -> float | None:
    return beside / quiet if beside is not None and quiet else None


def _rounded(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 1) for name, value in figures.items()}
