"""Frames: whatever happens to a file, what is whole in it is read, and nothing is read that was not written."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.redirect.keeping import frames
from api.redirect.keeping.frames import MARKER, Damage, frame, read_frames

PAYLOADS = st.lists(st.binary(max_size=60) | st.just(MARKER) | st.just(frame(b"inside")), max_size=8)


def read(data: bytes) -> tuple[list[bytes], Damage]:
    damage = Damage()
    return list(read_frames(BytesIO(data), damage)), damage


def test_a_payload_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="4,194,305 bytes"):
        frame(bytes(frames.MAX_PAYLOAD + 1))


def test_an_empty_file_has_no_frames() -> None:
    assert read(b"") == ([], Damage())


@given(payloads=PAYLOADS, data=st.data(), chunk=st.integers(1, 70))
def test_a_file_torn_at_any_byte_has_all_frames_before_it(payloads: list[bytes], data: st.DataObject, chunk: int) -> None:
    whole = b"".join(map(frame, payloads))
    torn = data.draw(st.integers(0, len(whole)))
    ends = [sum(len(frame(each)) for each in payloads[: n + 1]) for n in range(len(payloads))]
    expected = [payload for payload, end in zip(payloads, ends, strict=True) if end <= torn]
    with pytest.MonkeyPatch.context() as small:
        small.setattr(frames, "CHUNK", chunk)
        found, damage = read(whole[:torn])
    assert found[: len(expected)] == expected
    # A frame that was written into a payload may be read out of its torn rest; a JSON text cannot hold one.
    assert set(found[len(expected) :]) <= {b"inside"}
    if len(found) == len(expected):
        assert (damage.spans, damage.tail) == (0, torn - max([0, *(end for end in ends if end <= torn)]))


@given(
    payloads=st.lists(st.text(max_size=40).map(str.encode), min_size=1, max_size=8),
    data=st.data(),
    chunk=st.integers(1, 70) | st.just(4096),
)
def test_a_flipped_bit_costs_its_own_frame_only(payloads: list[bytes], data: st.DataObject, chunk: int) -> None:
    victim = data.draw(st.integers(0, len(payloads) - 1))
    hurt = bytearray(frame(payloads[victim]))
    bit = data.draw(st.integers(0, len(hurt) * 8 - 1))
    hurt[bit // 8] ^= 1 << (bit % 8)
    written = [bytes(hurt) if n == victim else frame(each) for n, each in enumerate(payloads)]
    with pytest.MonkeyPatch.context() as small:
        small.setattr(frames, "CHUNK", chunk)
        found, damage = read(b"".join(written))
    assert found == [each for n, each in enumerate(payloads) if n != victim]
    last = victim == len(payloads) - 1
    assert (damage.spans, bool(damage.tail)) == (int(not last), last)


@given(before=st.binary(max_size=50), between=st.binary(max_size=50))
def test_rubbish_between_frames_is_skipped_and_counted(before: bytes, between: bytes) -> None:
    found, damage = read(before + frame(b"one") + between + frame(b"two"))
    assert found == [b"one", b"two"]
    assert damage.spans == bool(before) + bool(between)


def test_a_length_that_points_far_behind_the_end_hides_nothing() -> None:
    far = frames.HEADER.pack(MARKER, frames.MAX_PAYLOAD, 0)
    assert read(far + frame(b"one") + frame(b"two")) == ([b"one", b"two"], Damage(spans=1))


def test_a_file_of_many_chunks_is_read_in_order() -> None:
    payloads = [n.to_bytes(4, "big") * 5000 for n in range(200)]
    assert read(b"".join(map(frame, payloads))) == (payloads, Damage())
