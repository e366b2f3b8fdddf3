"""Enrolling people: named ones, those with tags, or a segment. First the consequence, then the act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.named import named_people, not_found
from console.areas.sequences.one import one
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("sequences")

MOST_NAMED = 50
"""The most people that are named in one form."""
WAYS = (
    ("named", "E-mail addresses, phone numbers or external ids"),
    ("tags", "People with tags"),
    ("segment", "People of a segment"),
)
RESULTS = (
    ("enrolled", "enrolled now"),
    ("already_enrolled", "left out: they are in it already"),
    ("entered_before", "left out: they have been in it before"),
    ("too_often", "left out: they have entered too often lately"),
    ("unknown_contact", "left out: they are not known"),
)


@pages.get("/sequences/{sequence_id}/enroll", role=Role.SENDER, reads=["contact*", "segment_id"])
async def choose(page: Page) -> Response:
    """`?contact=`, for each of them, names people, and then it is said at once what it does. `?segment_id=` names a segment."""
    people, segment_id = page.queries("contact"), page.query("segment_id")
    way = "segment" if segment_id else "named"
    typed = {"way": way, "people": "\n".join(people), "tags": "", "segment_id": segment_id}
    if not people:
        return await _show(page, typed)
    faults = dict[str, str]()
    chosen = await _chosen(page, typed, faults)
    if chosen is None:
        return await _show(page, typed, 422, faults=faults)
    return await _look(page, {**typed, "people": "\n".join(map(_name_of, chosen.named))}, chosen)


@pages.post("/sequences/{sequence_id}/enroll", role=Role.SENDER)
async def enroll(page: Page) -> Response:
    """Says whom it would enroll; with `do=enroll`, enrolls them."""
    typed = {name: page.field(name) for name in ("way", "people", "tags", "segment_id")}
    faults = dict[str, str]()
    chosen = await _chosen(page, typed, faults)
    if chosen is None:
        return await _show(page, typed, 422, faults=faults)
    if page.field("do") != "enroll":
        return await _look(page, typed, chosen)
    cursor = page.field("cursor") or None
    try:
        body = {**chosen.request, **({"cursor": cursor} if cursor else {})}
        done = await page.api.post(f"/sequences/{page.path('sequence_id')}/enrollments", body, once=page.field("once"))
    except ApiProblem as problem:
        if problem.status not in (404, 409, 422, 429):
            raise
        return await _show(page, typed, problem.status, problem=problem)
    return await _show(page, typed, done=done)


@dataclass(frozen=True)
class Chosen:
    """The API's words for the people that are meant, and of those who were named what is known."""

    request: dict[str, Any]
    named: Sequence[dict[str, Any]] = ()


async def _chosen(page: Page, typed: Mapping[str, str], faults: dict[str, str]) -> Chosen | None:
    """Returns None with the faults."""
    match typed["way"]:
        case "tags":
            tags = [each.strip() for each in typed["tags"].split(",") if each.strip()]
            if tags:
                return Chosen({"tags": tags})
            faults["tags"] = "Name at least one tag."
        case "segment":
            if typed["segment_id"]:
                return Chosen({"segment_id": typed["segment_id"]})
            faults["segment_id"] = "Choose a segment."
        case _:
            named = await _named(page, typed["people"], faults)
            if named:
                return Chosen({"contact_ids": [each["id"] for each in named]}, named)
            faults.setdefault("people", "Name at least one person.")
    return None


async def _named(page: Page, text: str, faults: dict[str, str]) -> list[dict[str, Any]]:
    """Each line names one person."""
    names = list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))
    if len(names) > MOST_NAMED:
        faults["people"] = f"Name at most {MOST_NAMED} people, or give them a tag."
        return []
    found = [await named_people(page, name) for name in names]
    if unclear := [not_found(name, people) for name, people in zip(names, found, strict=True) if len(people) != 1]:
        faults["people"] = "\n".join(unclear)
        return []
    return list({people[0]["id"]: people[0] for people in found}.values())


def _name_of(contact: Mapping[str, Any]) -> str:
    """Returns a name by which `named_people` finds the contact and nobody else. Several contacts may have one e-mail address."""
    external_id = contact["external_id"] or ""
    is_one_line = external_id == external_id.strip() and len(external_id.splitlines()) == 1
    return external_id if is_one_line else str(contact["phone"] or contact["id"])


async def _look(page: Page, typed: Mapping[str, str], chosen: Chosen) -> Response:
    """The consequence: how many people are found now."""
    request = chosen.request
    try:
        if "segment_id" in request:
            count = (await page.api.get(f"/segments/{request['segment_id']}"))["count"]
        elif "tags" in request:
            definition = {"kind": "tags", "has": "all", "tags": request["tags"]}
            count = (await page.api.post("/segments/preview", {"definition": definition}))["count"]
        else:
            count = len(chosen.named)
    except ApiProblem as problem:
        if problem.status not in (404, 422, 429):
            raise
        return await _show(page, typed, 422, problem=problem)
    return await _show(page, typed, count=count, named=chosen.named)


async def _show(
    page: Page,
    typed: Mapping[str, str],
    status: int = 200,
    *,
    faults: Mapping[str, str] | None = None,
    problem: ApiProblem | None = None,
    count: int | None = None,
    named: Sequence[Mapping[str, Any]] = (),
    done: dict[str, Any] | None = None,
) -> Response:
    found = await page.together(shown=one(page), segments=page.api.get("/segments", limit=200))
    return page.render(
        "sequences/enroll.html",
        status,
        shown=found["shown"],
        tab="people",
        ways=WAYS,
        typed=typed,
        segments=[(each["id"], each["name"]) for each in found["segments"]["items"]],
        faults=faults or {},
        problem=problem,
        count=count,
        named=named,
        done=done,
        results=RESULTS,
    )
