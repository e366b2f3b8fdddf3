"""Records in a file that may end anywhere and be damaged anywhere: whole records are read, and damaged ones are skipped.

A frame is `marker (4 bytes) | length (4) | CRC-32 of length and payload (4) | payload`, with little-endian numbers. After damage
the next frame is found by its marker. A marker inside a payload is not a frame, because its checksum does not fit.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# Its first byte occurs in no UTF-8 text, so a payload of text never looks like a frame.
MARKER = b"\xf5LW\x01"
HEADER = struct.Struct("<4sII")
MAX_PAYLOAD = 4 * 1024 * 1024
CHUNK = 1024 * 1024


@dataclass
class Damage:
    """`spans` counts damaged stretches with a frame behind them. `tail` counts bytes at the end that are not a frame."""

    spans: int = 0
    tail: int = 0


def frame(payload: bytes) -> bytes:
    """`payload` has at most 4 MiB."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"{len(payload):,} bytes do not fit into a frame")
    return HEADER.pack(MARKER, len(payload), _checksum(payload)) + payload


def read_frames(file: BinaryIO, damage: Damage) -> Iterator[bytes]:
    """Yields the payloads in their order, with at most some megabytes in memory. `damage` says what was skipped."""
    unread, skipped, final = b"", 0, False
    while not final:
        chunk = file.read(CHUNK)
        unread, at, final = unread + chunk, 0, not chunk
        while (found := _next(unread, at, final)) is not None:
            payload, before, at = found
            damage.spans += bool(skipped + before)
            skipped = 0
            yield payload
        keep = len(unread) if final else _incomplete(unread, at)
        skipped += keep - at
        unread = unread[keep:]
    damage.tail = skipped


def _next(data: bytes, start: int, final: bool) -> tuple[bytes, int, int] | None:
    """Returns (payload, bytes skipped before its frame, end of the frame), or None when there is no further whole frame. Unless
    `final`, a frame that goes on behind the data may still become whole, and nothing behind its start is looked at."""
    at = data.find(MARKER, start)
    while at >= 0:
        end = _end(data, at)
        if end is not None and end <= len(data):
            payload = data[at + HEADER.size : end]
            if _checksum(payload) == HEADER.unpack_from(data, at)[2]:
                return payload, at - start, end
        elif not final and (end is not None or len(data) - at < HEADER.size):
            return None
        at = data.find(MARKER, at + 1)
    return None


def _incomplete(data: bytes, start: int) -> int:
    """Returns where, in data without a further whole frame, a frame could begin that goes on behind it."""
    at = data.find(MARKER, start)
    while at >= 0:
        end = _end(data, at)
        if len(data) - at < HEADER.size or (end is not None and end > len(data)):
            return at
        at = data.find(MARKER, at + 1)
    return max(start, len(data) - len(MARKER) + 1)


def _end(data: bytes, at: int) -> int | None:
    """Returns None when the header is incomplete, or says something that no frame has."""
    if len(data) - at < HEADER.size:
        return None
    length: int = HEADER.unpack_from(data, at)[1]
    return at + HEADER.size + length if length <= MAX_PAYLOAD else None


def _checksum(payload: bytes) -> int:
    # The length is covered too: a payload of zeros has the same sum as a shorter one in some checksums.
    return zlib.crc32(payload, zlib.crc32(len(payload).to_bytes(4, "little")))
