"""Before a launch: what it does, to how many, and what stops it."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from console.words.reasons import change_of, reason
from console.words.triggers import action_words, trigger_sentence
from models.organizations.api_key import Role

pages = Pages("campaigns")


@pages.get("/campaigns/{campaign_id}/launch", role=Role.SENDER, reads=["count"])
async def before(page: Page) -> Response:
    """A large audience takes a while to count. So the page is there at once, and `?count=1` shows it with who gets it."""
    return await _before(page, counted=page.query("count") == "1")


@pages.post("/campaigns/{campaign_id}/launch", role=Role.SENDER)
async def launch(page: Page) -> Response:
    """Twice the same form launches once."""
    campaign_id = page.path("campaign_id")
    try:
        await page.api.post(f"/campaigns/{campaign_id}/launch", once=page.field("once"))
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return await _before(page, problem)
    return page.go_to(f"/campaigns/{campaign_id}", "Launched. Clicks are seen here as people click.")


@pages.get("/campaigns/{campaign_id}/audience")
async def audience(page: Page) -> Response:
    """Who gets it, for the editor's page, which asks for it when it is shown."""
    return page.render("campaigns/audience.html", audience=await _audience(page), is_part=True)


async def _before(page: Page, problem: ApiProblem | None = None, counted: bool = True) -> Response:
    campaign = await page.api.get(f"/campaigns/{page.path('campaign_id')}", recipients="false")
    if campaign["state"] != "draft":
        return page.go_to(f"/campaigns/{campaign['id']}", "It was launched already.")
    found = await page.together(
        check=page.api.post(f"/campaigns/{campaign['id']}/check"),
        audience=_audience(page) if counted else _not_counted(),
        channels=page.api.get("/channels", limit=100),
    )
    medium = next((each["medium"] for each in found["channels"]["items"] if each["id"] == campaign["channel_id"]), "sms")
    audience = found["audience"]
    nobody = audience is not None and audience["complete"] and not audience["gets"]
    return page.render(
        "campaigns/launch.html",
        problem.status if problem else 200,
        campaign=campaign,
        problem=problem,
        medium=medium,
        nobody=nobody,
        triggers=[_follows(each) for each in campaign["triggers"]],
        is_part=False,
        **found,
    )


async def _audience(page: Page) -> dict[str, Any]:
    """Returns the API's answer, each reason in words beside it."""
    found: dict[str, Any] = await page.api.post(f"/campaigns/{page.path('campaign_id')}/audience-preview")
    reasons = [{**each, "words": reason(each["reason"]), "change": change_of(each["reason"])} for each in found["left_out"]]
    return {**found, "left_out": reasons}


async def _not_counted() -> None:
    return None


def _follows(trigger: dict[str, Any]) -> tuple[str, str]:
    """Returns what a trigger waits for and what it does then."""
    return trigger_sentence(trigger), ", then ".join(action_words(each["kind"]) for each in trigger["actions"])
