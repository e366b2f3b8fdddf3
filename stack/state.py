"""What a stack stores in VAR_DIR for roles and tools: `stack.json`, and the keys of link tokens and of stored secrets."""

import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from stack.errors import StackError

LIVE_KEYS = 2
"""The most keys of a kind that are in use at once. Each further key makes reading every link slower, and makes a guess slightly
more likely to hit."""

READY_FILE = "worker.ready"
"""The file in VAR_DIR that holds the process id of the worker to which Temporal hands work."""


def write_state(var_dir: Path, values: dict[str, str | int]) -> None:
    """Replaces `stack.json` in one step, readable by this user alone. The file stays after the stop, so that `up` finds its data
    again."""
    _write_private(var_dir / "stack.json", json.dumps(values, indent=2) + "\n")


class KeyFile(NamedTuple):
    """Keys that are made once and kept in VAR_DIR, newest first. `lost` says what happens without them, and `dropped` what
    happens when the oldest one goes."""

    name: str
    lost: str
    dropped: str

    def read(self, var_dir: Path) -> str:
        """Returns the keys, which are created on first use. Raises StackError."""
        path = var_dir / self.name
        if not path.exists():
            _write_private(path, secrets.token_hex(32) + "\n")
        text = path.read_text().strip()
        if not all(_is_key(part.strip()) for part in text.split(",")):
            raise StackError(f"{path} does not hold keys of 64 hexadecimal digits: restore it, or {self.lost}.")
        return text

    def rotate(self, var_dir: Path, drop_oldest: bool) -> int:
        """Puts a new key in front and returns how many keys there are now. Raises StackError when there is no key yet, or when
        there are two already and `drop_oldest` is not given."""
        path = var_dir / self.name
        if not path.exists():
            raise StackError(f"There is no key in {path} yet: ./linkwake up makes the first one.")
        keys = [key.strip() for key in self.read(var_dir).split(",")]
        if len(keys) >= LIVE_KEYS and not drop_oldest:
            raise StackError(
                f"There are {len(keys)} keys already. With --drop-oldest only the newest of them stays: {self.dropped}"
            )
        kept = [secrets.token_hex(32), *keys[: LIVE_KEYS - 1]]
        _write_private(path, ",".join(kept) + "\n")
        return len(kept)


TOKEN_KEYS = KeyFile(
    "token_keys",
    "every link already sent stays broken",
    "every link of an older one stops working for ever. Do that only when those links may stop working.",
)
SECRET_KEYS = KeyFile(
    "secret_keys",
    "every stored secret has to be entered again",
    "what an older one has encrypted cannot be read any more. Run ./linkwake encrypt-again before.",
)


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
