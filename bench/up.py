"""`./linkwake bench up`: seconds until `up` is ready, on fresh data and on old, and the memory of the idle stack."""

import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.parts.processes import stack_processes
from bench.parts.report import print_report
from stack.own_directory import own_directory
from stack.session import own_stack

IDLE_SECONDS = 10
MOST_SECONDS = 15.0
MOST_MEMORY_MB = 900.0


def main(as_json: bool) -> int:
    """Status 0 when both starts and the memory hold their limits."""
    with own_directory("bench") as directory:
        fresh, _ = _start(directory / "var")
        again, memory = _start(directory / "var")
    figures = {
        "fresh_s": round(fresh, 1),
        "again_s": round(again, 1),
        "limit_s": MOST_SECONDS,
        "memory_mb": round(sum(memory.values())),
        "limit_mb": MOST_MEMORY_MB,
        "memory_by_process_mb": {name: round(size) for name, size in sorted(memory.items(), key=lambda item: -item[1])},
    }
    print_report("up", figures, as_json)
    return 0 if max(fresh, again) <= MOST_SECONDS and sum(memory.values()) <= MOST_MEMORY_MB else 1


def _start(var_dir: Path) -> tuple[float, dict[str, float]]:
    """Seconds until ready; then the memory of every process of the stack after a while of doing nothing."""
    begin = time.monotonic()
    with own_stack(var_dir):
        ready = time.monotonic() - begin
        time.sleep(IDLE_SECONDS)
        return ready, _memory()


def _memory() -> dict[str, float]:
    """Proportional set size in MB of our descendants, by what they run: shared pages are counted once."""
    sizes: dict[str, float] = {}
    for process, name in stack_processes():
        with suppress(psutil.Error):  # a session of PostgreSQL that ends meanwhile
            sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss / 1e6
    return sizes
