"""All messages, whatever sent them: a campaign, a sequence or a trigger."""

from starlette.responses import Response

from console.page import Page
from console.pages import Pages
from console.words.states import MESSAGE

pages = Pages("contacts")

REPORTS = {"failed": "Failed after it was sent", "bounced": "Bounced", "replied": "Answered", "complained": "Complained of"}
"""What providers say later, as far as messages are listed by it."""


@pages.get("/messages", reads=["state", "report", "reason", "cursor"])
async def messages(page: Page) -> Response:
    """`?state=accepted` are those that were sent, and `?report=bounced` those of which a provider says so."""
    given = {
        "state": page.choice("state", MESSAGE),
        "report": page.choice("report", REPORTS),
        "reason": page.query("reason")[:200],
    }
    found = await page.together(
        messages=page.api.get("/messages", cursor=page.query("cursor"), **given), channels=page.api.get("/channels", limit=200)
    )
    return page.render(
        "messages/list.html",
        found=found["messages"],
        channels={each["id"]: each for each in found["channels"]["items"]},
        given={name: value for name, value in given.items() if value},
        states=MESSAGE,
        reports=REPORTS,
    )
