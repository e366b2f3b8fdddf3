"""The people of a sequence: who is, or was, in it, where, and until when."""

from datetime import timedelta

from starlette.responses import Response

from console.areas.sequences.one import asked_version, one
from console.page import Page
from console.pages import Pages

pages = Pages("sequences")

STATES = (
    ("", "All"),
    ("running", "Under way"),
    ("queued", "Queued"),
    ("completed", "Through"),
    ("stopped", "Stopped"),
    ("failed", "Failed"),
)
DUE = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}


@pages.get("/sequences/{sequence_id}/people", reads=["version", "due", "state", "step", "cursor"])
async def people(page: Page) -> Response:
    """`?state=`, `?step=` and `?version=` are those of the API; `?due=24h` are those whose wait ends within that time."""
    version, due = asked_version(page), DUE.get(page.choice("due", DUE))
    state = page.choice("state", dict(STATES))
    found = await page.together(
        shown=one(page),
        people=page.api.get(
            "/enrollments",
            sequence_id=page.path("sequence_id"),
            state=state,
            step=page.query("step"),
            version=version,
            due_before=(page.times.now + due).isoformat() if due else None,
            cursor=page.query("cursor"),
        ),
    )
    shown = found["shown"]
    counts: dict[str, int] = shown.numbers["enrollments"]
    return page.render(
        "sequences/people.html",
        shown=shown,
        tab="people",
        people=found["people"],
        states=[(value, word, counts.get(value, 0) if value else sum(counts.values())) for value, word in STATES],
        chosen=state,
        step=page.query("step"),
        version=version,
        due=page.query("due") if due else "",
        steps=[each["step_key"] for each in shown.numbers["steps"]],
        versions=[each["version"] for each in shown.numbers["versions"]],
    )
