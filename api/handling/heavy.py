"""Marks requests that may keep the database busy for seconds, however short they are."""

from fastapi import Depends
from fastapi.dependencies.models import Dependant


def heavy() -> None:
    """Marks a route that looks at as many rows as its caller asks for. An organization has one such request at a time."""


Heavy = Depends(heavy)


def is_heavy(dependant: Dependant) -> bool:
    return any(each.call is heavy for each in dependant.dependencies)
