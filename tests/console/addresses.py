"""Which addresses of a page have parameters that the page there does not know, and would refuse."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.routing import compile_path

from console.addresses import BASE
from console.registry import AREAS

PAGES = [(each, compile_path(BASE + each.path.rstrip("/"))[0]) for area in AREAS for each in area.declared]


def wrong_addresses(body: Any) -> list[str]:
    """Of links, and of forms with the fields that they put into the address."""
    return [
        f"{method} {address}: {name}" for method, address, names in _addresses(body) for name in _wrong(method, address, names)
    ]


def reads(method: str, path: str) -> Mapping[str, bool] | None:
    """The parameters of the page at this path; None for one that is no page, or judges them otherwise."""
    return next((each.reads for each, form in PAGES if each.method == method and form.match(path.rstrip("/"))), None)


def _addresses(body: Any) -> Iterator[tuple[str, str, list[str]]]:
    for name in ("href", "data-count-from"):
        for each in body.cssselect(f"[{name}]"):
            yield "GET", each.get(name), []
    for form in body.cssselect("form"):
        method = form.get("method", "get").upper()
        names = {each.get("name") for each in form.cssselect("[name]")} if method == "GET" else set()
        for each in [form, *form.cssselect("[formaction]")]:
            yield method, each.get("formaction") or each.get("action") or "", sorted(names)


def _wrong(method: str, address: str, names: list[str]) -> Iterator[str]:
    parts = urlsplit(address)
    known = reads(method, parts.path) if parts.path.startswith(BASE) else None
    if known is not None:
        times = Counter([*names, *(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))])
        yield from (name for name, number in times.items() if name not in known or (number > 1 and not known[name]))
