"""Requests that take no body. A field in one, such as a time for a launch, must not look as if it had an effect."""

from fastapi import Request

from api.http.json_body import parse_json
from models.errors import BadRequest, FieldError, Invalid


async def refuse_fields(request: Request) -> None:
    """Accepts an empty object, which some clients send instead of no body. Raises Invalid for everything else."""
    if not await request.body():
        return
    try:
        await parse_json(request, rows=False)
    except (BadRequest, Invalid):
        raise Invalid.field("body", "This request takes no body: leave it out.") from None
    given = await request.json()
    if isinstance(given, dict) and given:
        fields = [FieldError(name, "There is no such field: this request takes none.") for name in given]
        raise Invalid("This request takes no fields: leave the body out.", fields)
    if given != {} and given is not None:
        raise Invalid.field("body", "This request takes no body: leave it out.")


async def leave_alone(_request: Request) -> None:
    """A dependency of a route that reads its body itself."""
