"""What a stack writes down in VAR_DIR for roles and tools: `stack.json`, and the keys of the link tokens."""

import json
import os
import secrets
from pathlib import Path

from stack.errors import StackError

LIVE_KEYS = 2
"""Each further key makes reading every link slower, and guesses a little likelier to hit."""

READY_FILE = "worker.ready"
"""In VAR_DIR: process id of the worker that Temporal hands work to."""


def write_state(var_dir: Path, values: dict[str, str | int]) -> None:
    """Replace `stack.json` at once, readable by this user alone. It stays after the stop: `up` finds its data again."""
    _write_private(var_dir / "stack.json", json.dumps(values, indent=2) + "\n")


def token_keys(var_dir: Path) -> str:
    """The keys in `token_keys`, made on first use. Losing that file breaks every link ever sent. Raises StackError."""
    path = var_dir / "token_keys"
    if not path.exists():
        _write_private(path, secrets.token_hex(32) + "\n")
    text = path.read_text().strip()
    if not all(_is_key(part.strip()) for part in text.split(",")):
        raise StackError(
            f"{path} does not hold keys of 64 hexadecimal digits: restore it, or every link already sent stays broken."
        )
    return text


def rotate_token_key(var_dir: Path, drop_oldest: bool) -> int:
    """A new key in front; how many there are now. StackError when there are none, or two already without `drop_oldest`."""
    path = var_dir / "token_keys"
    if not path.exists():
        raise StackError(f"There is no key in {path} yet: ./linkwake up makes the first one.")
    keys = [key.strip() for key in token_keys(var_dir).split(",")]
    if len(keys) >= LIVE_KEYS and not drop_oldest:
        raise StackError(
            f"There are {len(keys)} keys already. With --drop-oldest only the newest of them stays: every link of an older "
            "one stops working for ever. Do that when those links may die."
        )
    kept = [secrets.token_hex(32), *keys[: LIVE_KEYS - 1]]
    _write_private(path, ",".join(kept) + "\n")
    return len(kept)


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32
    except ValueError:
        return False


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
