"""How a benchmark prints: one JSON document on standard output, or a table."""

import json
import platform
import sys
from collections.abc import Mapping

import psutil
from rich.console import Console
from rich.table import Table


def machine() -> dict[str, str | int]:
    """What the figures were taken on."""
    memory = round(psutil.virtual_memory().total / 2**30)
    return {
        "cores": psutil.cpu_count() or 0,
        "memory_gib": memory,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def print_report(title: str, figures: Mapping[str, object], as_json: bool) -> None:
    figures = {**figures, "machine": machine()}
    if as_json:
        json.dump(figures, sys.stdout, indent=2)
        print()
        return
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
