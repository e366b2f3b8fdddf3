"""The garbage collector of a process that runs for ever."""

import gc

THRESHOLD = 50_000  # objects more than before; Python's own is 700


def collect_rarely() -> None:
    """Call it once everything is imported and built. What is there by then stays for ever, and later work leaves next to no
    cycles: looking at all of it again and again takes a tenth of the time and more, and people wait for each look."""
    gc.freeze()
    gc.set_threshold(THRESHOLD)
