"""Figures at the head of a page are whole at each width, and so is what they are out of."""

import pytest

from tests.console.browser.conftest import Team

CUT_OFF = """
() => [...document.querySelectorAll(".stat :is(.label, .figure, .sub)")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)
"""


@pytest.mark.parametrize("width", [360, 920, 1024, 1280])
async def test_no_figure_is_cut_off(team: Team, width: int) -> None:
    await team.page.set_viewport_size({"width": width, "height": 900})
    for path in ("/health", "/"):
        await team.open(path)
        assert await team.page.locator(".stat .sub").count() >= 5
        assert await team.page.evaluate(CUT_OFF) == [], path
