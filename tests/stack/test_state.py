"""What a stack writes down is private, whole and made once."""

import stat
from pathlib import Path

import pytest

from settings import Settings
from stack.errors import StackError
from stack.state import SECRET_KEYS, TOKEN_KEYS, KeyFile, write_state
from tracking.tokens.token import TokenCodec


def test_the_state_is_read_by_settings_and_by_nobody_else(tmp_path: Path) -> None:
    write_state(tmp_path, {"database_url": "postgresql:///x", "temporal_address": "h:1", "token_keys": "00" * 32, "pid": 1})
    settings = Settings(_env_file=None, var_dir=tmp_path, database_url=None, temporal_address=None, token_keys=None)
    assert settings.effective_database_url == "postgresql:///x"
    assert settings.effective_temporal_address == "h:1"
    assert settings.effective_token_keys == [bytes(32)]
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("keys", [TOKEN_KEYS, SECRET_KEYS], ids=lambda keys: keys.name)
def test_keys_are_made_once(tmp_path: Path, keys: KeyFile) -> None:
    first = keys.read(tmp_path)
    assert len(bytes.fromhex(first)) == 32
    assert keys.read(tmp_path) == first
    assert stat.S_IMODE((tmp_path / keys.name).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, f"{'00' * 32},nonsense"])
def test_a_damaged_key_file_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "token_keys").write_text(text)
    with pytest.raises(StackError, match="does not hold keys"):
        TOKEN_KEYS.read(tmp_path)
    assert (tmp_path / "token_keys").read_text() == text


def test_a_write_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "token_keys.new").write_text("ha")
    assert TOKEN_KEYS.read(tmp_path) == (tmp_path / "token_keys").read_text().strip()


def test_there_is_nothing_to_rotate_before_the_first_key(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no key"):
        TOKEN_KEYS.rotate(tmp_path, drop_oldest=False)
    assert list(tmp_path.iterdir()) == []


def test_a_third_key_drops_the_oldest_only_when_that_is_wanted(tmp_path: Path) -> None:
    first = TOKEN_KEYS.read(tmp_path)
    assert TOKEN_KEYS.rotate(tmp_path, drop_oldest=False) == 2
    second = TOKEN_KEYS.read(tmp_path).split(",")[0]
    with pytest.raises(StackError, match="--drop-oldest"):
        TOKEN_KEYS.rotate(tmp_path, drop_oldest=False)
    assert TOKEN_KEYS.read(tmp_path) == f"{second},{first}"
    assert TOKEN_KEYS.rotate(tmp_path, drop_oldest=True) == 2
    assert TOKEN_KEYS.read(tmp_path).split(",")[1] == second
    assert stat.S_IMODE((tmp_path / "token_keys").stat().st_mode) == 0o600


def test_links_of_the_old_key_are_read_after_a_rotation(tmp_path: Path) -> None:
    link = TokenCodec([bytes.fromhex(TOKEN_KEYS.read(tmp_path))]).encode(1, 2, 3)
    TOKEN_KEYS.rotate(tmp_path, drop_oldest=False)
    codec = TokenCodec([bytes.fromhex(key) for key in TOKEN_KEYS.read(tmp_path).split(",")])
    assert codec.decode(link) == (1, 2, 3)
    assert codec.encode(1, 2, 3) != link
