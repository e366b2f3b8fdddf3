"""Work whose result is the same for everybody, such as what `/health` looks at: many who ask at once cost no more than one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class SharedWork(Generic[Result]):
    """Whoever asks while the work is under way gets its result. Whoever comes later begins it again."""

    def __init__(self) -> None:
        self._under_way: asyncio.Task[Result] | None = None

    async def __call__(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Returns or raises what the work does. It goes on when one of those who wait goes away."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(work())
        return await asyncio.shield(self._under_way)
