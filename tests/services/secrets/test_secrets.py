"""A stored secret is read where it belongs, with its key, and nowhere else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id
from services.secrets.secrets import Place, Secrets, Undecipherable

FIRST, SECOND = bytes([1]) * 32, bytes([2]) * 32
PLACE = Place("notification_target.address", UUID(int=1), UUID(int=2))


@given(st.text())
def test_what_was_encrypted_is_read_again(text: str) -> None:
    secrets = Secrets([FIRST])
    stored = secrets.encrypt(text, PLACE)
    assert secrets.decrypt(stored, PLACE) == text


def test_the_same_text_is_stored_differently_each_time() -> None:
    secrets = Secrets([FIRST])
    assert secrets.encrypt("slack://a", PLACE) != secrets.encrypt("slack://a", PLACE)
    assert b"slack" not in secrets.encrypt("slack://a", PLACE)


@pytest.mark.parametrize(
    "place", [PLACE._replace(field="channel.secret"), PLACE._replace(org_id=new_id()), PLACE._replace(row_id=new_id())]
)
def test_a_secret_that_is_copied_elsewhere_cannot_be_read(place: Place) -> None:
    secrets = Secrets([FIRST])
    with pytest.raises(Undecipherable, match="another row"):
        secrets.decrypt(secrets.encrypt("slack://a", PLACE), place)


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, by: int) -> None:
    secrets = Secrets([FIRST])
    stored = bytearray(secrets.encrypt("slack://token/a/long/address/", PLACE))
    stored[at % len(stored)] ^= by
    with pytest.raises(Undecipherable):
        secrets.decrypt(bytes(stored), PLACE)


@pytest.mark.parametrize("stored", [b"", b"x", b"x" * 20])
def test_what_was_cut_short_cannot_be_read(stored: bytes) -> None:
    with pytest.raises(Undecipherable):
        Secrets([FIRST]).decrypt(stored, PLACE)


def test_after_a_rotation_the_new_key_encrypts_and_both_decrypt() -> None:
    before = Secrets([FIRST]).encrypt("old", PLACE)
    rotated = Secrets([SECOND, FIRST])
    after = rotated.encrypt("new", PLACE)
    assert (rotated.decrypt(before, PLACE), rotated.decrypt(after, PLACE)) == ("old", "new")
    assert after.startswith(rotated.newest)
    assert not before.startswith(rotated.newest)


def test_without_its_key_a_secret_says_which_setting_is_wrong() -> None:
    with pytest.raises(Undecipherable, match="SECRET_KEYS"):
        Secrets([SECOND]).decrypt(Secrets([FIRST]).encrypt("old", PLACE), PLACE)
