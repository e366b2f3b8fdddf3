"""What the spool keeps of a request to unsubscribe, by name, so that a version that knows more or fewer fields can read it."""

import orjson
from pydantic import TypeAdapter

from services.consent.unsubscribe import Unsubscribe

_UNSUBSCRIBE = TypeAdapter(Unsubscribe)


def encode(asked: Unsubscribe) -> bytes:
    """Returns JSON."""
    return _UNSUBSCRIBE.dump_json(asked)


def decode(payload: bytes) -> Unsubscribe:
    """Raises ValueError."""
    return _UNSUBSCRIBE.validate_python(orjson.loads(payload))
