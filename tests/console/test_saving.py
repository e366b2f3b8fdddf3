"""Saving a form while somebody else saves the same thing."""

from typing import Any, cast

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request

from console.api_calls import ApiCalls, ApiProblem
from console.page import Page
from console.templating import Templates
from models.organizations.console_session import SignedIn

FIRST, THEN = "2026-03-01T09:00:00Z", "2026-03-01T09:00:01Z"


class Changed:
    """The API after the page has read the thing: somebody else was faster."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        return {"updated_at": THEN}

    async def patch(self, path: str, body: Any, **query: Any) -> dict[str, Any]:
        self.asked.append(query)
        if query["seen"] != THEN:
            raise ApiProblem(409, {"code": "changed_meanwhile", "detail": "for programs"})
        return {"updated_at": THEN}


async def test_who_saves_second_is_told_and_can_save_once_more() -> None:
    api, thing = Changed(), {"updated_at": FIRST}
    page = Page(
        cast(Request, None), cast(SignedIn, None), cast(ApiCalls, api), cast(Templates, None), "", "", FormData({"seen": FIRST})
    )
    with pytest.raises(ApiProblem) as refused:
        await page.save("/contacts/1", {}, thing, recipients="false")
    assert (refused.value.title, thing["updated_at"]) == ("Somebody else has changed this meanwhile", THEN)
    assert api.asked == [{"seen": FIRST, "recipients": "false"}]
    again = Page(page.request, page.signed_in, page.api, page.templates, "", "", FormData({"seen": THEN}))
    await again.save("/contacts/1", {}, thing)
    assert api.asked[1:] == [{"seen": THEN}]
