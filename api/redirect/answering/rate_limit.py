"""How often a key may do something, in fixed memory: somebody who guesses or repeats tokens is told to stop."""

import hashlib
import secrets
import time
from array import array
from collections.abc import Callable

from tracking.verdicts.network import network_of

BUCKETS = 1 << 15
"""In each of two tables, 16 bytes a bucket: 1 MB in all, however many keys there are."""
MINUTE = 60.0


class RateLimit:
    """Token buckets of keys, two for each, at places that a secret of this process decides.

    A key is refused when both of its buckets are empty. Sharing one with a busy key does no harm; sharing both happens to one in
    a billion pairs. `a_minute`: so many at once, and so many again each minute; 0: no limit.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._full = float(a_minute)
        self._clock = clock
        self._secret = secrets.token_bytes(16)
        self._left = array("d", [self._full]) * (2 * BUCKETS)
        self._since = array("d", [clock()]) * (2 * BUCKETS)

    def takes(self, key: str) -> bool:
        """Counts one."""
        if not self._full:
            return True
        digest = hashlib.blake2b(key.encode(), digest_size=8, key=self._secret).digest()
        first, second = int.from_bytes(digest[:4]) % BUCKETS, BUCKETS + int.from_bytes(digest[4:]) % BUCKETS
        now = self._clock()
        # Both are counted, not one or the other.
        return any([self._take(first, now), self._take(second, now)])

    def _take(self, place: int, now: float) -> bool:
        left = min(self._full, self._left[place] + (now - self._since[place]) * self._full / MINUTE)
        self._since[place] = now
        self._left[place] = max(left - 1, 0.0)
        return left >= 1


class MissLimit(RateLimit):
    """Counts by network (/24, /48). Two that share their buckets can only ever cost a 404 page, because known links are never
    limited."""

    def allows(self, ip: str | None) -> bool:
        """Counts one miss. Addresses that cannot be known share a network."""
        return self.takes(network_of(ip or ""))
