"""Tells an application at once that its process is to stop. The server tells it when all answers have ended, which is never for
those that go on for as long as they can."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def at_stop_signal(action: Callable[[], object]) -> Iterator[None]:
    """In the block, a signal to stop runs the action on the event loop, beside what the server does. Outside of the main thread,
    which alone can have handlers, it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def stop(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(action)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    # The event loop learns of signals by a descriptor of its own, whichever handler there is.
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
