"""Checks the query of a request: its route knows every parameter, and each is given at most as often as the route allows."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant

from models.errors import FieldError, Invalid


def query_parameters(dependant: Dependant) -> dict[str, bool]:
    """Returns the names that a handler and everything it depends on read, and whether each takes several values."""
    found = {parameter.alias: _is_list(parameter.field_info.annotation) for parameter in dependant.query_params}
    for each in dependant.dependencies:
        found |= query_parameters(each)
    return found


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))


def refuse_wrong_parameters(request: Request, known: Mapping[str, bool]) -> None:
    """Refuses unknown and repeated parameters: a misspelled filter must not look like one that lets everything through, and of
    two values none must be lost."""
    if wrong := list(_wrong(request, known)):
        raise Invalid("Some query parameters are unknown or are given more than once.", wrong)


def _wrong(request: Request, known: Mapping[str, bool]) -> Iterator[FieldError]:
    choices = f"Known here: {', '.join(sorted(known))}." if known else "There are none here."
    for name in request.query_params:
        if name not in known:
            yield FieldError(name, f"No such parameter. {choices}")
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            yield FieldError(name, "This is given more than once: give it once.")
