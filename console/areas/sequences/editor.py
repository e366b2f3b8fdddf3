"""The editor: a form for each step and the same as YAML, side by side. The YAML is what counts.

Everything is one form. Its buttons say what to do: look again, save, review before publishing, or change the list of steps. The
script sends the same form while somebody types and takes over what the answer shows.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from console.addresses import url
from console.api_calls import ApiProblem
from console.areas.sequences import shown_forms
from console.areas.sequences.choices import all_channels, choices
from console.areas.sequences.difference import Difference, difference
from console.areas.sequences.draft import Draft
from console.areas.sequences.sent_forms import edited
from console.areas.sequences.yaml_text import Fault
from console.areas.sequences.yaml_writing import dump
from console.forms.actions import KINDS
from console.page import CHANGED, Page
from console.pages import Pages
from console.words import steps as words
from console.words.triggers import action_words
from models.organizations.api_key import Role
from services.judging.judge import SECONDS, TooSlow

pages = Pages("sequences")

ANYWAY = "!"
SAVING = ("save", "review", f"save{ANYWAY}", f"review{ANYWAY}")
"""What the buttons say that save. With `ANYWAY`, comments may be lost."""
NUMBERED = 5_000
"""Lines that the page numbers by itself; the script numbers the others."""
TOO_SLOW = f"This takes more than {SECONDS:g} s to read: make it shorter."


@pages.get("/sequences/new", role=Role.EDITOR)
async def new(page: Page) -> Response:
    """Begins with a message, a wait for a click and an end."""
    channels = await all_channels(page)
    return await _show(page, None, Draft.of(_starter(channels).rstrip("\n")), channels=channels)


@pages.post("/sequences/new", role=Role.EDITOR)
async def create(page: Page) -> Response:
    draft, opened, channels = await _sent(page)
    if _can_be_saved(page, draft):
        try:
            made = await page.api.post("/sequences", draft.body(), once=page.field("once"))
        except ApiProblem as problem:
            return await _refused(page, None, draft, problem)
        return _saved(page, made["id"])
    return await _not_saved(page, None, draft, opened, channels)


@pages.get("/sequences/{sequence_id}/edit", role=Role.EDITOR, reads=["publish"])
async def edit(page: Page) -> Response:
    """`?publish=1` opens the dialog that asks before publishing."""
    sequence = await page.api.get(f"/sequences/{page.path('sequence_id')}")
    return await _show(page, sequence, await _saved_draft(page, sequence), asks="publish" if page.query("publish") else "")


@pages.post("/sequences/{sequence_id}/edit", role=Role.EDITOR)
async def change(page: Page) -> Response:
    sequence = await page.api.get(f"/sequences/{page.path('sequence_id')}")
    draft, opened, channels = await _sent(page)
    if _can_be_saved(page, draft):
        try:
            await page.save(f"/sequences/{sequence['id']}", draft.body(), sequence)
        except ApiProblem as problem:
            return await _refused(page, sequence, draft, problem)
        return _saved(page, sequence["id"])
    return await _not_saved(page, sequence, draft, opened, channels)


@pages.post("/sequences/{sequence_id}/publish", role=Role.EDITOR)
async def publish(page: Page) -> Response:
    sequence_id = page.path("sequence_id")
    sequence = await page.api.get(f"/sequences/{sequence_id}")
    try:
        version = await page.api.post(f"/sequences/{sequence_id}/publish", once=page.field("once"))
    except ApiProblem as problem:
        return await _refused(page, sequence, await _saved_draft(page, sequence), problem)
    if version["version"] == sequence["version"]:
        return page.go_to(f"/sequences/{sequence_id}", f"Nothing has changed since version {version['version']}.")
    return page.go_to(f"/sequences/{sequence_id}", f"Published as version {version['version']}.")


async def _saved_draft(page: Page, sequence: dict[str, Any]) -> Draft:
    try:
        return await page.apart(Draft.of_sequence, sequence)
    except TooSlow:
        return Draft("", None, [Fault(1, TOO_SLOW)])


async def _sent(page: Page) -> tuple[Draft, int | None, list[dict[str, Any]]]:
    """Returns the draft as the form says it, the step that is open, and all channels."""
    text, channels = page.field("yaml"), await all_channels(page)
    try:
        return *await page.apart(edited, text, page.typed(), channels), channels
    except TooSlow:
        return Draft(text, None, [Fault(1, TOO_SLOW)]), None, channels


def _wants_to_save(page: Page) -> bool:
    return page.field("do") in SAVING


def _can_be_saved(page: Page, draft: Draft) -> bool:
    """Comments are lost by it, so somebody has to say that they may be."""
    is_whole = draft.root is not None and not draft.unfinished
    return _wants_to_save(page) and is_whole and (page.field("do").endswith(ANYWAY) or not draft.comments)


async def _not_saved(
    page: Page, sequence: dict[str, Any] | None, draft: Draft, opened: int | None, channels: list[dict[str, Any]]
) -> Response:
    """Shows what was typed: to go on with, or because it cannot be saved."""
    wants, is_whole = _wants_to_save(page), draft.root is not None and not draft.unfinished
    asks = "comments" if wants and is_whole else "publish" if page.field("do").startswith("review") else ""
    return await _show(page, sequence, draft, opened, status=422 if wants else 200, asks=asks, channels=channels)


def _saved(page: Page, sequence_id: str) -> Response:
    if page.field("do").startswith("review"):
        return page.go_to(f"/sequences/{sequence_id}/edit", publish="1")
    return page.go_to(f"/sequences/{sequence_id}/edit", "The draft is saved. Nobody is moved by it.")


async def _refused(page: Page, sequence: dict[str, Any] | None, draft: Draft, problem: ApiProblem) -> Response:
    """The form again, with everything that was typed, and the faults at their lines."""
    if problem.status not in (409, 413, 422, 429):
        raise problem
    if problem.code == CHANGED:
        return await _show(page, sequence, draft, status=problem.status, problem=problem)
    draft.blame(problem.errors, problem.detail)
    asks = "publish" if page.field("do").startswith("review") else ""
    return await _show(page, sequence, draft, status=problem.status, asks=asks, checked=True)


async def _show(
    page: Page,
    sequence: dict[str, Any] | None,
    draft: Draft,
    opened: int | None = None,
    *,
    status: int = 200,
    asks: str = "",
    checked: bool = False,
    channels: list[dict[str, Any]] | None = None,
    problem: ApiProblem | None = None,
) -> Response:
    """`checked` says that the faults are known already."""
    known, before, standing, _ = await asyncio.gather(
        choices(page, draft, channels),
        _published(page, sequence),
        _standing(page, sequence),
        _nothing() if checked else _check(page, draft, sequence["id"] if sequence else None),
    )
    changed = await _difference(page, before, draft, standing)
    return page.render(
        "sequences/edit.html",
        status,
        sequence=sequence,
        problem=problem,
        name=_name(draft, sequence),
        draft=draft,
        steps=shown_forms.steps(draft, known, opened),
        standing=standing,
        settings=shown_forms.settings(draft, known, opened),
        kinds=[(kind, word) for kind, word in words.KINDS.items()],
        lines=changed.lines,
        is_unchanged=before is not None and _is_definition(draft) and not changed.lines and not changed.steps,
        changes=changed.steps,
        numbered=NUMBERED,
        inside=sum(standing.values()),
        asks=asks,
        do=page.field("do") + ANYWAY,
        here=set(draft.lines_of_step(opened)) if opened is not None and 0 <= opened < len(draft.steps) else set(),
        step_keys=known.lists["steps"],
        offered=known.offered,
        action_kinds=[(kind, action_words(kind)) for kind in KINDS],
        editor_address=url(f"/sequences/{sequence['id']}/edit" if sequence else "/sequences/new"),
        once=page.field("once"),
    )


async def _check(page: Page, draft: Draft, sequence_id: str | None) -> None:
    """Asks the API what publishing would say."""
    if not draft.root:
        return
    draft.faults = draft.of_forms()
    try:
        await page.api.post("/sequences/check", {**draft.body(), "sequence_id": sequence_id})
    except ApiProblem as problem:
        if problem.status not in (409, 413, 422):
            raise
        draft.blame(problem.errors, problem.detail)


async def _difference(page: Page, before: dict[str, Any] | None, draft: Draft, standing: Mapping[str, int]) -> Difference:
    if not _is_definition(draft):
        return Difference()
    try:
        return await page.apart(difference, before, draft.body(), standing)
    except TooSlow:
        return Difference([("gap", "More has changed than can be shown line by line.")])


def _name(draft: Draft, sequence: dict[str, Any] | None) -> str:
    """The name in the text counts; while the text cannot be read, the saved one."""
    written = draft.value.get("name")
    return written.strip() if isinstance(written, str) and written.strip() else sequence["name"] if sequence else "New sequence"


def _is_definition(draft: Draft) -> bool:
    """Whether there is something that can be compared: a list of steps that are steps."""
    if draft.root is None:
        return False
    value = draft.value
    utm, triggers = value.get("utm"), value.get("triggers") or []
    return (
        all(isinstance(step, Mapping) for step in draft.steps)
        and isinstance(triggers, list)
        and (utm is None or isinstance(utm, Mapping))
        and isinstance(value.get("steps") or [], list)
    )


async def _nothing() -> None:
    return None


async def _published(page: Page, sequence: dict[str, Any] | None) -> dict[str, Any] | None:
    """The version with which a draft is compared."""
    if sequence is None or sequence["version"] is None:
        return None
    if not sequence["unpublished_changes"]:
        return sequence
    found: dict[str, Any] = await page.api.get(f"/sequences/{sequence['id']}/versions/{sequence['version']}")
    return found


async def _standing(page: Page, sequence: dict[str, Any] | None) -> dict[str, int]:
    """How many people stand on each step, in all versions."""
    if sequence is None or sequence["version"] is None:
        return {}
    numbers = await page.api.get(f"/sequences/{sequence['id']}/analytics")
    return {each["step_key"]: each["active"] for each in numbers["steps"]}


def _starter(channels: list[dict[str, Any]]) -> str:
    """What a new sequence begins with: an SMS where there is a channel for it, else an e-mail."""
    senders = sorted((each for each in channels if not each["archived_at"]), key=lambda each: each["medium"] != "sms")
    channel = senders[0] if senders else None
    message: dict[str, Any] = {"body": "Hello {{ contact.first_name }},\nhave a look: {{ links.guide }}"}
    if channel and channel["medium"] == "email":
        message = {"subject": "Have a look", "body": message["body"] + "\n\nNo more of these: {{ unsubscribe_url }}"}
    wait = {"kind": "wait_for_click", "key": "wait", "link": "guide", "timeout": "P3D", "on_click": "over", "on_timeout": "quiet"}
    steps = [
        {
            "kind": "send",
            "key": "hello",
            "channel": channel["name"] if channel else "",
            "message": {**message, "links": {"guide": "https://www.example.com/guide"}},
        },
        wait,
        {"kind": "end", "key": "over"},
        {"kind": "end", "key": "quiet", "outcome": "quiet"},
    ]
    return dump({"name": "New sequence", "steps": steps})
