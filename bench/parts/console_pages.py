"""The addresses of all pages of the console, with ids of things that there are."""

import re
from collections.abc import Mapping
from html import unescape

from console.registry import AREAS

NO_PAGES = ("/live", "/pulse", "/exports/")
"""Addresses that answer with streams and files."""
FILES = ("/export",)
PARTS = ("/audience",)
"""Addresses from which a page fetches a part of itself. Other pages fetch themselves with `?count=1`."""


def page_paths() -> list[str]:
    """As they are declared: `/campaigns/{campaign_id}`."""
    declared = [each.path for area in AREAS for each in area.declared if each.method == "GET"]
    return [path for path in declared if not path.startswith(NO_PAGES) and not path.endswith((*FILES, *PARTS))]


def part_of(page: str) -> str | None:
    """Returns the address that a page fetches when it is there, because what it has takes a while to count."""
    found = re.search(r'data-count-from="([^"]+)"', page)
    return unescape(found[1]) if found else None


def addresses(ids: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Returns the address of each page by its declared path, and the paths for whose parameters there is no id. `ids` has an id
    for each parameter, a draft's for the editor and the launch of a campaign (`draft_id`), and a shared link's for the editor of
    links (`shared_link_id`)."""
    found, left_out = {}, []
    for path in page_paths():
        of_draft = path.startswith("/campaigns/") and path.endswith(("/edit", "/launch"))
        given = {**ids, **({"campaign_id": ids["draft_id"]} if of_draft and "draft_id" in ids else {})}
        if path == "/links/{link_id}/edit":
            given["link_id"] = ids.get("shared_link_id", "")
        names = re.findall(r"{(\w+)}", path)
        if all(name in given for name in names):
            found[path] = path.format(**{name: given[name] for name in names})
        else:
            left_out.append(path)
    return found, left_out
