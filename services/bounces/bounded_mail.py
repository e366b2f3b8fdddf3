"""Bounds what a mail can cost before a parser sees it.

The parsers take time for each line, part and level of nesting, and some more than in proportion. So a small mail of nothing but
empty lines or separators would take seconds of the processor. What is cut off here was behind any report that a server writes.
"""

import re
from itertools import islice

MOST_BYTES = 128 * 1024
"""What is read of a mail. Reports come first in a bounce, and a whole message that is returned behind it is cut off."""
MOST_LINES = 3000
LONGEST_LINE = 1000
"""Bytes of a line, its end included, as RFC 5322 has it; the rest of a longer one is left out."""
MOST_SEPARATORS = 100
"""Lines that may begin a part (`--boundary`). A bounce has three or four parts, and the message in it has some more."""
MOST_TYPES = 50
"""Lines that may say of which type a part is. There are no more levels of parts in each other than that."""
MOST_HEADER_LINES = 300
"""Lines before the first empty one. Each server on the way adds some."""

LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
END = re.compile(rb"(?:\r\n|\r|\n)\Z")


def bounded(raw: bytes) -> bytes:
    """Returns the beginning of the mail up to the first bound that it passes, with long lines shortened."""
    kept: list[bytes] = []
    separators = types = 0
    in_header = True
    for match in islice(LINE.finditer(raw[:MOST_BYTES]), MOST_LINES):
        line = match[0]
        in_header = in_header and bool(line.strip())
        separators += line.startswith(b"--")
        types += line[:13].lower() == b"content-type:"
        if separators > MOST_SEPARATORS or types > MOST_TYPES or (in_header and len(kept) >= MOST_HEADER_LINES):
            break
        kept.append(_shortened(line))
    return b"".join(kept)


def _shortened(line: bytes) -> bytes:
    if len(line) <= LONGEST_LINE:
        return line
    end = END.search(line)
    return line[: LONGEST_LINE - 2] + (end[0] if end else b"")
