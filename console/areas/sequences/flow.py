"""The first page of a sequence: its flow with live counts, what happens next, and its versions."""

from typing import Any

from starlette.responses import Response

from console.areas.sequences.one import asked_version, inside, media, one, steps_of, taken_out, triggers_of
from console.areas.sequences.picture import Painter
from console.page import Page
from console.pages import Pages

pages = Pages("sequences")


@pages.get("/sequences/{sequence_id}", reads=["version"])
async def sequence(page: Page) -> Response:
    """`?version=` shows one version; without it all count together, drawn on the steps of the newest."""
    version = asked_version(page)
    found = await page.together(
        shown=one(page, version),
        due=page.api.get(f"/sequences/{page.path('sequence_id')}/due", version=version, limit=6),
        media=media(page),
        triggers=triggers_of(page, version),
    )
    shown = found["shown"]
    steps = await steps_of(page, shown.sequence, version)
    picture = Painter(shown.sequence["id"], steps, shown.numbers["steps"], found["media"], version).paint()
    return page.render(
        "sequences/flow.html",
        shown=shown,
        tab="flow",
        picture=picture,
        due=found["due"]["items"],
        waits=[_wait(each) for each in shown.numbers["steps"] if each["kind"] == "wait_for_click"],
        inside=inside,
        triggers=found["triggers"],
        taken_out=taken_out(found["triggers"]),
        entered=sum(shown.numbers["enrollments"].values()),
    )


def _wait(step: dict[str, Any]) -> dict[str, Any]:
    """How many left a wait by a click, and how many because its time was over."""
    left = {outcome: sum(each["step_runs"] for each in step["left"] if each["outcome"] == outcome) for outcome in WAYS}
    return {"key": step["step_key"], **left}


WAYS = ("clicked", "timed_out")
