"""How a page is declared: an address, who may see it, and a function of its request.

    pages = Pages("campaigns")

    @pages.get("/campaigns/{campaign_id}")
    async def report(page: Page) -> Response: ...

`console/app.py` lists the `pages` of all areas. CONTRIBUTING.md has the recipe "Add a page".
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from console.page import Page
from models.organizations.api_key import Role

Handler = Callable[[Page], Awaitable[Response]]

FORM_BYTES = 2**20
FILE_BYTES = 21 * 2**20
"""The most bytes of a form, and of one that has a file. What the API takes is decided there."""


@dataclass(frozen=True)
class Declared:
    """One page, or one thing that a page does. `place` is the entry of the navigation to which it belongs. `reads` are the
    parameters of its address, and whether each may be given several times; with None the API judges them. `repeats` are the
    fields of its form that may stand there several times; one that ends with `:` stands for all that begin so."""

    method: str
    path: str
    handler: Handler
    role: Role
    place: str
    body_limit: int = FORM_BYTES
    reads: Mapping[str, bool] | None = None
    repeats: Sequence[str] = ()

    def may_repeat(self, field: str) -> bool:
        return any(field == each or (each.endswith(":") and field.startswith(each)) for each in self.repeats)


class Pages:
    """The pages of one area."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.declared: list[Declared] = []

    def get(self, path: str, role: Role = Role.VIEWER, *, reads: Sequence[str] | None = ()) -> Callable[[Handler], Handler]:
        """A page that only shows something. `reads` are the parameters of its address; one that may be given several times ends
        with `*`. Others are refused, because a misspelled filter looks like one that lets everything through."""
        return self._declare("GET", path, role, reads)

    def post(
        self, path: str, role: Role, *, reads: Sequence[str] | None = (), repeats: Sequence[str] = (), with_file: bool = False
    ) -> Callable[[Handler], Handler]:
        """What a form does. Its token is checked before the function is called. It answers with `page.go_to(…)`, or shows the
        form again with its faults. A field that is sent twice and is not in `repeats` is refused: of two values none must be
        lost."""
        return self._declare("POST", path, role, reads, FILE_BYTES if with_file else FORM_BYTES, repeats)

    def _declare(
        self,
        method: str,
        path: str,
        role: Role,
        reads: Sequence[str] | None,
        limit: int = FORM_BYTES,
        repeats: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        known = None if reads is None else {name.rstrip("*"): name.endswith("*") for name in reads}

        def declare(handler: Handler) -> Handler:
            self.declared.append(Declared(method, path, handler, role, self._place, limit, known, repeats))
            return handler

        return declare
