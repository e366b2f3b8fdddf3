"""Follows the stream of live events as a program of a caller does."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

import httpx


class StreamEvent(NamedTuple):
    """`id` is the latest one that the stream has sent, with this event or before it. `name` is its kind, or `ready`, or
    `reset`."""

    id: str
    name: str
    data: Any


async def follow_events(
    client: httpx.AsyncClient, key: str, parameters: Mapping[str, str] | None = None, last_event_id: str = ""
) -> AsyncGenerator[StreamEvent, None]:
    """Yields events until the server ends the stream. The client's base address is that of the API. The first event is `ready`,
    unless the stream resumes: from then on it tells of everything."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    request = {"params": dict(parameters or {}), "headers": headers, "timeout": httpx.Timeout(60, connect=10)}
    async with client.stream("GET", "/v1/events/stream", **request) as answer:  # type: ignore[arg-type]
        if answer.status_code != httpx.codes.OK:
            await answer.aread()
        answer.raise_for_status()
        reader = FrameReader()
        async for line in answer.aiter_lines():
            if (event := reader.line(line)) is not None:
                yield event


class FrameReader:
    """Reads server-sent events line by line, as the standard says it."""

    def __init__(self) -> None:
        self._id, self._name, self._data = "", "message", list[str]()

    def line(self, line: str) -> StreamEvent | None:
        """Returns an event when this line ends one."""
        if line:
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))
            return None
        name, data = self._name, self._data
        self._name, self._data = "message", []
        return StreamEvent(self._id, name, json.loads("\n".join(data))) if data else None

    def _field(self, name: str, value: str) -> None:
        if name == "id":
            self._id = value
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
