"""Defines when two values are equal in a template, as in Shopify's Liquid: `blank` and `empty` against missing, null and other
values.

python-liquid offers no way to configure this, so its function for it is replaced, for the whole process, when
`tracking/templates/sandbox.py` is imported. `tests/tracking/templates/test_semantics.py` holds the results.
"""

from typing import Any

from liquid.builtin.expressions import logical
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.tags import case_tag


def equal(left: Any, right: Any) -> bool:
    """A missing field is nil. `blank` is nil, false, white space, or something empty. `empty` is a text or a list with nothing in
    it."""
    left, right = _plain(left), _plain(right)
    if isinstance(left, Blank | Empty):
        left, right = right, left
    if isinstance(right, Blank):
        return (
            isinstance(left, Blank)
            or left is None
            or left is False
            or (isinstance(left, str) and not left.strip())
            or _empty(left)
        )
    if isinstance(right, Empty):
        return isinstance(left, Empty) or _empty(left)
    if isinstance(left, bool) or isinstance(right, bool):  # in Python 1 equals True, in Liquid it does not
        return left is right
    return bool(left == right)


def _plain(value: Any) -> Any:
    return value.__liquid__() if hasattr(value, "__liquid__") else value


def _empty(value: object) -> bool:
    return isinstance(value, str | list | tuple | dict | range) and not value


def use() -> None:
    """Makes templates of this process compare in this way."""
    logical._eq = equal
    case_tag._eq = equal  # type: ignore[attr-defined]
