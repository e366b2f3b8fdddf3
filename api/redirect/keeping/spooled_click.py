"""What the spool keeps of a click: its row in `click_inbox`, by name, and whether it wakes something.

Fields are stored by name, so that a version that knows more or fewer fields can read what another one has left.
"""

from typing import NamedTuple, Self

import orjson
from pydantic import TypeAdapter

from models.clicks.inbox import InboxClick

_CLICK = TypeAdapter(InboxClick)


class SpooledClick(NamedTuple):
    click: InboxClick
    wakes: bool

    def encode(self) -> bytes:
        """Returns JSON. Broken text (a lone surrogate) is made readable, because PostgreSQL would not take it either."""
        given = {name: value for name, value in self.click._asdict().items() if value is not None} | {"wakes": self.wakes}
        try:
            return orjson.dumps(given)
        except TypeError:
            agent = (self.click.user_agent or "").encode("utf-8", "replace").decode()
            return orjson.dumps({**given, "user_agent": agent})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Raises ValueError."""
        given = orjson.loads(payload)
        wakes = bool(given.pop("wakes"))
        known = {name: given.get(name) for name in InboxClick._fields}
        return cls(_CLICK.validate_python(known), wakes)
