"""Which lists of choices a page carries whole. Hundreds of rows with a hundred choices each would be megabytes."""

import re
from collections.abc import Sequence

SHORT = 10
"""Lists of so many choices are always whole."""
MOST = 2_000
"""The most choices of the longer lists of a page together. Behind them, a field has its choice and a button for the others."""
PRESSED = "choices:"
_OWNER = re.compile(r"([qs]\d*\.)?(.*)", re.DOTALL)


class Lists:
    """The lists of one page. `pressed` is what its button said, such as `choices:triggers[0].segment_id` (`button`): the list of
    that field is whole."""

    def __init__(self, pressed: str) -> None:
        self._left, self._wanted = MOST, pressed.replace(PRESSED, "", 1) if PRESSED in pressed else ""

    def is_whole(self, name: str, options: Sequence[object]) -> bool:
        if len(options) <= SHORT or name == self._wanted:
            return True
        if len(options) > self._left:
            return False
        self._left -= len(options)
        return True

    @staticmethod
    def button(name: str) -> str:
        """What the button beside the field says. `s1.` and `q.` say whose triggers they are, and come first."""
        owner, field = _OWNER.fullmatch(name).groups("")  # type: ignore[union-attr]  # it fits every name
        return f"{owner}{PRESSED}{field}"
