"""What is published, version by version, and the draft: as YAML, to read."""

import re

from markupsafe import Markup
from starlette.responses import Response

from console.areas.sequences.one import asked_version, one
from console.areas.sequences.yaml_definition import as_yaml
from console.page import Page
from console.pages import Pages

pages = Pages("sequences")

MOST_LINES = 5_000
"""Lines that are numbered and coloured; of a longer text, the text alone is shown."""

_NAMED = re.compile(r"^(\s*(?:- )*)([\w.]+)(:)(?=\s|$)")


@pages.get("/sequences/{sequence_id}/definition", reads=["version"])
async def definition(page: Page) -> Response:
    """`?version=4` shows a version, `?version=draft` the draft; without it, the one that takes people in."""
    shown = await one(page)
    sequence = shown.sequence
    number = None if page.query("version") == "draft" else asked_version(page) or sequence["version"]
    if number is None:
        text = as_yaml(sequence)
    else:
        text = as_yaml(await page.api.get(f"/sequences/{sequence['id']}/versions/{number}"), only_version=True)
    lines = text.rstrip("\n").split("\n") if text.count("\n") <= MOST_LINES else []
    return page.render(
        "sequences/definition.html",
        shown=shown,
        tab="definition",
        number=number,
        text=text,
        lines=[coloured(line) for line in lines],
        versions=[each["version"] for each in shown.numbers["versions"]],
    )


def coloured(line: str) -> Markup:
    """The line with its name marked."""
    found = _NAMED.match(line)
    if not found:
        return Markup("{}").format(line)
    before, name, colon = found.groups()
    return Markup('{}<span class="k">{}{}</span>{}').format(before, name, colon, line[found.end() :])
