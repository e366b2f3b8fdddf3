"""Settings of channels that tests send by, and messages for them."""

from typing import Any
from uuid import UUID

from models.base import new_id
from services.channels.base import Outgoing
from services.channels.smtp.config import SmtpConfig
from tests.dkim_keys import ED25519_KEY, RSA_KEY

CHANNEL = UUID("0198c5b4-5d2e-7b7a-9c50-3f6d4f2a1b00")
RSA = {"dkim_rsa_selector": "r", "dkim_rsa_key": RSA_KEY}
ED25519 = {"dkim_ed25519_selector": "e", "dkim_ed25519_key": ED25519_KEY}


def config(**changes: Any) -> SmtpConfig:
    plain = {"host": "127.0.0.1", "port": 2525, "security": "none", "from_address": "shop@example.com"}
    return SmtpConfig.model_validate({**plain, **changes})


def message(**changes: Any) -> Outgoing:
    plain: dict[str, Any] = {
        "message_id": new_id(),
        "channel_id": CHANNEL,
        "to_address": "ada@example.com",
        "subject": "Hello",
        "body": "Hello Ada",
    }
    return Outgoing(**{**plain, **changes})
