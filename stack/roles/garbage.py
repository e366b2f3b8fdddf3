"""Makes Python's collector of reference cycles look rarely, because nearly everything that this project's processes make is freed
without it."""

import gc

THRESHOLD = 50_000  # number of new objects before the collector looks; Python's own default is 700


def collect_less() -> None:
    """Call it before the large imports: what they make stays, and looking through it takes up to a quarter of their time."""
    gc.set_threshold(THRESHOLD)


def collect_rarely() -> None:
    """Call this once everything is imported and built. What exists by then stays for ever, and later work leaves almost no
    cycles. Looking at all of it again and again takes a tenth of the time or more, and people wait during each look."""
    gc.freeze()
    gc.set_threshold(THRESHOLD)
