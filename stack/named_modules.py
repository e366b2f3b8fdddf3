"""Benchmarks and drills are modules that are run by their names."""

import importlib
import inspect
from collections.abc import Mapping
from types import MappingProxyType

from stack.environment import forget_foreign
from stack.errors import WrongUse
from stack.session import ROOT


def run_named(package: str, name: str, as_json: bool, options: Mapping[str, int] = MappingProxyType({})) -> int:
    """The script `linkwake` checks the name in the same way before it installs anything. `options` are for those modules whose
    `main` takes them."""
    known = sorted(path.stem for path in (ROOT / package).glob("*.py") if not path.stem.startswith("_"))
    if name not in known:
        choices = f"the names are: {', '.join(known)}" if known else "there are none yet"
        raise WrongUse(f"No such name in {package}/: {name}; {choices}.")
    forget_foreign()  # the module's servers are its own
    run = importlib.import_module(f"{package}.{name}").main
    if unknown := options.keys() - inspect.signature(run).parameters.keys():
        raise WrongUse(f"{package} {name} does not take --{min(unknown)}.")
    return int(run(as_json, **options))
