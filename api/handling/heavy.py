"""Marks requests that may keep the database busy for seconds, however short they are."""

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant


def heavy() -> None:
    """Marks a route that looks at as many rows as its caller asks for. An organization has one such request at a time."""


Heavy = Depends(heavy)


PeopleQuery = Annotated[
    bool, Query(description="false: `count` and `contacts` are null. To find the people takes time where there are many.")
]


def leaves_people_out(request: Request) -> bool:
    """Whether a heavy route, one with a PeopleQuery, is asked for what takes no time. Other ways to write it wait."""
    return request.query_params.get("people") == "false"


def is_heavy(dependant: Dependant) -> bool:
    return any(each.call is heavy for each in dependant.dependencies)
