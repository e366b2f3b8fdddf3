"""Addresses of the console's pages."""

from typing import Any
from urllib.parse import urlencode

BASE = "/console"


def url(path: str, **query: Any) -> str:
    """Returns the address of a page: `url("/campaigns", state="draft")`. Parameters that are None or empty are left out."""
    given = {name: value for name, value in query.items() if value is not None and value not in ("", [])}
    return BASE + ("" if path == "/" else path) + (f"?{urlencode(given, doseq=True)}" if given else "")
