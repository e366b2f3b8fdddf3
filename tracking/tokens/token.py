"""Link tokens: 14 letters and digits that encode a content, a recipient and a link, and reveal none of them.

A token is the number `content 26 bits | recipient_number 27 | position 5 | check 25 (zero)` encrypted by FF1 over 14 base62
digits. Nothing is stored for a token: whoever has a key can read it, and nobody else can make one. See `docs/tokens.md`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tracking.tokens.ff1 import FF1, Halves

TOKEN_LENGTH = 14
MAX_CONTENT_ID = 2**26 - 1
MAX_RECIPIENT_NUMBER = 2**27 - 1
MAX_POSITION = 2**5 - 1
CHECK_BITS = 25
KEY_BYTES = 32

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_DIGITS = bytes.maketrans(_ALPHABET.encode(), bytes(range(len(_ALPHABET))))
_BASE = len(_ALPHABET)
_BASE2, _BASE4, _BASE6 = _BASE**2, _BASE**4, _BASE**6

# Phones and mail programs often take the punctuation that follows a link into the link, and with scripts that are written without
# spaces the rest of the sentence too. So the token ends before the first character that is not ASCII.
_SHAPE = re.compile(rf"([0-9A-Za-z]{{{TOKEN_LENGTH}}})[.,);!?'\"\]>/]*(?:[^\x00-\x7f].*)?", re.ASCII | re.DOTALL)


class Token(NamedTuple):
    content_id: int
    recipient_number: int
    position: int


class TokenCodec:
    """Makes and reads tokens. `keys` have 32 bytes each, newest first. The first one encrypts, and all of them decrypt."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one token key is needed")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a token key must be {KEY_BYTES} bytes long")
        self._ciphers = tuple(FF1(key, _BASE, TOKEN_LENGTH) for key in dict.fromkeys(keys))

    def encode(self, content_id: int, recipient_number: int, position: int) -> str:
        """Raises ValueError when a part does not fit: content 0 to 67,108,863, recipient_number 0 to 134,217,727, position 0 to
        31."""
        if not (
            0 <= content_id <= MAX_CONTENT_ID and 0 <= recipient_number <= MAX_RECIPIENT_NUMBER and 0 <= position <= MAX_POSITION
        ):
            raise ValueError(
                f"content {content_id}, recipient_number {recipient_number}, position {position} do not fit into a token"
            )
        cipher = self._ciphers[0]
        number = (((content_id << 27) | recipient_number) << 5 | position) << CHECK_BITS
        return _to_text(cipher.encrypt(divmod(number, cipher.split)))

    def decode(self, text: str) -> Token | None:
        """Returns the token, or None for anything that this codec's keys did not make.

        Every key is tried on every well-formed token, whether or not one has already fitted, so that the time taken does not tell
        a made token from a guessed one, nor the old key from the new one.
        """
        digits = _trimmed(text)
        if digits is None:
            return None
        halves = _from_text(digits)
        found = None
        for cipher in self._ciphers:
            left, right = cipher.decrypt(halves)
            token, valid = _split(left * cipher.split + right)
            found = token if valid and found is None else found
        return found


def _trimmed(text: str) -> str | None:
    """Returns a token without what follows it, or None for a text that does not have the form of a token."""
    if len(text) == TOKEN_LENGTH and text.isascii() and text.isalnum():  # nearly all tokens are like this
        return text
    shape = _SHAPE.fullmatch(text)
    return shape[1] if shape else None


def _split(number: int) -> tuple[Token, bool]:
    """Returns the parts in any case, and whether the check bits and the range say that they are real."""
    packed, check = number >> CHECK_BITS, number & (1 << CHECK_BITS) - 1
    token = Token(packed >> 32 & MAX_CONTENT_ID, packed >> 5 & MAX_RECIPIENT_NUMBER, packed & MAX_POSITION)
    return token, check == 0 and packed >> 58 == 0


def _to_text(halves: Halves) -> str:
    # Seven digits a half: the last digit of the left half and the first one of the right half share a pair.
    left, right = halves
    seam, rest = divmod(left, _BASE)[1] * _BASE + right // _BASE6, right % _BASE6
    head = left // _BASE
    return (
        _PAIRS[head // _BASE4]
        + _PAIRS[head // _BASE2 % _BASE2]
        + _PAIRS[head % _BASE2]
        + _PAIRS[seam]
        + _PAIRS[rest // _BASE4]
        + _PAIRS[rest // _BASE2 % _BASE2]
        + _PAIRS[rest % _BASE2]
    )


def _from_text(text: str) -> Halves:
    # It goes digit by digit instead of by a table of pairs, which would take half a megabyte of the processor's caches.
    a, b, c, d, e, f, g, h, i, j, k, l, m, n = text.encode().translate(_DIGITS)  # noqa: E741 - fourteen digits
    left = (a * _BASE2 + b * _BASE + c) * _BASE4 + (d * _BASE + e) * _BASE2 + f * _BASE + g
    right = (h * _BASE2 + i * _BASE + j) * _BASE4 + (k * _BASE + l) * _BASE2 + m * _BASE + n
    return left, right
