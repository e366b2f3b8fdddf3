"""The collector of cycles: looks seldom, because what this project's processes make is nearly all freed without it."""

import gc

THRESHOLD = 50_000  # objects more than before; Python's own is 700


def collect_less() -> None:
    """Call it before the large imports: all that they make stays, and looking through it takes up to a quarter of their time."""
    gc.set_threshold(THRESHOLD)


def collect_rarely() -> None:
    """Call it once everything is imported and built. What is there by then stays for ever, and later work leaves next to no
    cycles: looking at all of it again and again takes a tenth of the time and more, and people wait for each look."""
    gc.freeze()
    gc.set_threshold(THRESHOLD)
