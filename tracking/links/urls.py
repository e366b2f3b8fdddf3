"""Finds `http://` and `https://` addresses in running text, as people write it.

The limits of an address follow `linkify-it-py` (brackets, quotes, full stops at the end), and beyond it what messages in practice
need: scripts written without spaces, emoji, chat marks such as `*…*`, and addresses that belong to another scheme
(`myapp://open?url=https://…`), which are not ours to change.
"""

import re
from collections.abc import Iterator

from linkify_it import LinkifyIt

# Stands for a merge field while looking for addresses; it counts as a letter.
FIELD = "\ufffc"

# Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer run on without a space after an address.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u3100-\u31ff\u3400-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
# Quotes, long dashes, the punctuation of those scripts, and invisible characters such as direction marks.
_CLOSING = (
    '"<>`“”„«»‹›…—\u3000-\u3004\u3008-\u3020\uff01-\uff0f\uff1a-\uff1f\uff3b-\uff40\uff5b-\uff65'
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
)
_RUNS_ON = f"0-9A-Za-z{FIELD}"

_START = re.compile(r"(?<![A-Za-z+])https?://", re.IGNORECASE)
_OTHER_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?!https?://)[a-z][a-z0-9+.-]{0,40}(?<![.-]http)(?<![.-]https)://"
    r"|(?:mailto|tel|sms|smsto|mms|mmsto|geo|sip|sips|xmpp|skype|facetime|callto|magnet|bitcoin):(?!https?://)"
    r"|(?:javascript|data|blob|view-source|intent|microsoft-edge|googlechrome|about):"
    r")\S+",
    re.IGNORECASE,
)
# An address does not go across a closing mark, because a mail address may follow in the same run of text
# (`https://x.test，邮箱a@b.test`).
_USERINFO = re.compile(rf"[^\s/\\?#<>\"()\[\],;{_CLOSING}]*@")
_HOST_AND_PORT = re.compile(
    rf"(?:\[[0-9a-f:.]+\]|[^\s/?#\\'()\[\]{{}}|,;:!*&=+$^~@{_CLOSING}\u2010-\u2027\u2030-\u205e]+)(?::[0-9]+|:(?=[/?#]))?",
    re.IGNORECASE,
)
_NO_HOST = re.compile(rf"[^\s{_CLOSING}]*")
# A bracket or quote is looked for only this far. Looking to the end of the text, from each one that is never closed, would be
# quadratic.
MAX_ENCLOSED = 1_000
_PATH = re.compile(
    LinkifyIt().re["src_path"].replace(".)*", f".){{0,{MAX_ENCLOSED}}}").replace(".)+", f".){{1,{MAX_ENCLOSED}}}"),
    re.IGNORECASE,
)

# Matches behind a host, where other text runs on without a space.
_OTHER_TEXT = re.compile(f"[{_CLOSING}{_EMOJI}]|(?<=[{_RUNS_ON}])[{_UNSPACED}]|[,;|](?i:https?://)")
# A label that mixes scripts is a name when more of the host follows (abc日本.jp), and running text when not (x.test查看).
_IN_HOST = re.compile(f"(?<=[{_RUNS_ON}])[{_UNSPACED}{_EMOJI}]+(?![.-]?[{_RUNS_ON}{_UNSPACED}{_EMOJI}])")
# Text after a host with a dot, up to the @ of a mail address in it (https://x.test或者a@b.test).
_BEFORE_MAIL = re.compile(rf"[^\s@]*?[A-Za-z0-9{FIELD}]\.[A-Za-z]{{2,}}(?::[0-9]+)?(?=[{_UNSPACED}{_EMOJI}])")
_TRAILING = ".,;:!?'‘’([{"
_TRAILING_HOST = ".-_"
_MARKS = "*_~|^"


def find_urls(text: str) -> Iterator[tuple[int, int]]:
    """Yields start and end of each address, in order, without overlap.

    Text that begins like an address but is not one is found too (`https:// x.test`, `http://[::1`), and an address with a user
    name is found up to its `@`, so that they can be refused instead of going out untracked or half tracked.
    """
    others = _OTHER_SCHEME.finditer(text)
    other = next(others, None)
    limit = _Limit(text)
    done = 0
    for match in _START.finditer(text):
        start = match.start()
        while other and other.end() <= start:
            other = next(others, None)
        if start < done or (other and other.start() <= start):
            continue
        done = _end(text, start, match.end(), limit)
        yield start, done


class _Limit:
    """Where other text begins. It is looked for once, however many addresses stand before it, so that the work grows
    linearly with the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = -1

    def after(self, place: int) -> int:
        """`place`: never before an earlier one."""
        if self._found < place:
            found = _OTHER_TEXT.search(self._text, place)
            self._found = found.start() if found else len(self._text)
        return self._found


def _end(text: str, start: int, authority: int, limit: _Limit) -> int:
    """Returns where the address ends, at least behind its scheme."""
    if userinfo := _USERINFO.match(text, authority):
        host = _BEFORE_MAIL.match(text, authority, userinfo.end())
        return host.end() if host else userinfo.end()
    host = _HOST_AND_PORT.match(text, authority)
    if host is None:
        wrong = _NO_HOST.match(text, authority)
        return _trim(text, start, authority, wrong.end() if wrong else authority)
    if other_text := _IN_HOST.search(text, authority, host.end()):
        return _trim(text, start, authority, other_text.start())
    path = _PATH.match(text, host.end(), limit.after(host.end()))
    return _trim(text, start, authority, path.end() if path else host.end())


def _trim(text: str, start: int, authority: int, end: int) -> int:
    """Leaves out the punctuation of the sentence and chat marks around the address."""
    while end > authority:
        trimmed = authority + len(text[authority:end].rstrip(_TRAILING))
        if trimmed == end and start and text[start - 1] in _MARKS and text[end - 1] == text[start - 1]:
            trimmed -= 1
        if trimmed == end:
            break
        end = trimmed
    address = text[authority:end]
    return end if any(mark in address for mark in "/?#") else authority + len(address.rstrip(_TRAILING_HOST))
