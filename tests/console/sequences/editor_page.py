"""The editor's page as a browser sends it back."""

from typing import Any

from console.areas.sequences.yaml_writing import dump
from tests.api.campaign_builders import steps_with_click
from tests.console.conftest import Browser, Shown

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 10_000


def yaml(**changes: Any) -> str:
    return dump({"name": "Welcome", "steps": steps_with_click(), **changes})


def sent(shown: Shown) -> dict[str, Any]:
    """Everything that a browser would send of the editor's form."""
    (form,) = shown.body.cssselect("form[data-editor]")
    found: dict[str, Any] = {}
    for field in form.cssselect("input[name], textarea[name], select[name]"):
        if field.get("type") == "checkbox" and field.get("checked") is None:
            continue
        found[field.get("name")] = "on" if field.get("type") == "checkbox" else (field.value or "").removeprefix("\n")
    return found  # browsers leave out the line break behind <textarea>


async def press(browser: Browser, shown: Shown, path: str, do: str, **typed: Any) -> Shown:
    return await browser.send(path, **{**sent(shown), **typed, "do": do})


def options(shown: Shown, name: str) -> list[tuple[str, str]]:
    """The values and words that a field offers."""
    (field,) = shown.body.cssselect(f'[name="{name}"]')
    return [(each.get("value"), " ".join(each.text_content().split())) for each in field.cssselect("option")]
