"""Looks for thousands of fixed strings at once, fast when none of them occurs.

A plain `a|b|c` tries every string at every position. Written as a tree of common beginnings, nearly every position is dismissed
by its first character.
"""

import re
from collections.abc import Iterable

_Tree = dict[str, "_Tree"]
_END = ""


class Signs:
    """Strings and patterns; `in` tells whether a text has any of them. `words` count only where no letter stands before them."""

    def __init__(self, anywhere: Iterable[str] = (), words: Iterable[str] = (), regexes: Iterable[str] = ()) -> None:
        trees = [re.compile(any_literal(anywhere)), re.compile("(?<![A-Za-z])" + any_literal(words))]
        self._searches = [pattern.search for pattern in (*trees, *map(re.compile, regexes))]

    def __contains__(self, text: str) -> bool:
        return any(search(text) for search in self._searches)


def any_literal(strings: Iterable[str]) -> str:
    """Returns a pattern for any one of the strings, and for the shorter one where one string begins another. Without strings it
    matches nothing."""
    tree: _Tree = {}
    for string in strings:
        branch = tree
        for character in string:
            if _END in branch:
                break
            branch = branch.setdefault(character, {})
        else:
            branch.clear()
            branch[_END] = {}
    return _pattern(tree) if tree else r"(?!)"


def listed(text: str) -> list[str]:
    """Reads strings that are written with commas between them."""
    return [string.strip() for string in text.split(",") if string.strip()]


def _pattern(tree: _Tree) -> str:
    if _END in tree:
        return ""
    branches = [re.escape(character) + _pattern(branch) for character, branch in sorted(tree.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
