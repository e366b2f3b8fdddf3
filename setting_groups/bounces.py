"""Settings of the role that takes bounces, complaints and unsubscribe mails."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from setting_groups.readers import HOUR, SECOND, duration, whole


class BounceSettings(BaseModel):
    """A mail server for bounces, and a mailbox that is looked into."""

    bounce_host: str = Field("127.0.0.1", description="The address on which the mail server for bounces listens; 0.0.0.0: all.")
    bounce_port: Annotated[int, whole(0, 65535)] = Field(
        8025,
        description="Its port, to which port 25 of your bounce domain's MX leads; 0: no mail server, the mailbox alone.",
    )
    bounce_certificate: Path | None = Field(
        None, description="A certificate with its chain (PEM), with which it offers STARTTLS. Empty: it offers no encryption."
    )
    bounce_key: Path | None = Field(None, description="The certificate's private key (PEM); empty: in the same file.")
    bounce_metrics_port: Annotated[int, whole(0, 65535)] = Field(
        0, description="Port for the role's Prometheus metrics; 0: none. It answers everybody who can reach it."
    )
    bounce_imap_host: str | None = Field(
        None, description="Look for bounces in a mailbox of this IMAP server, over TLS. Empty: none."
    )
    bounce_imap_port: Annotated[int, whole(1, 65535)] = Field(993, description="The IMAP server's port for TLS.")
    bounce_imap_user: str | None = Field(None, description="The mailbox's user.")
    bounce_imap_password: SecretStr | None = Field(None, description="Its password.")
    bounce_imap_folder: str = Field("INBOX", description="The folder with the bounces; what has been read is marked as seen.")
    bounce_imap_interval: Annotated[timedelta, duration(SECOND, HOUR, "from 1 second to 1 hour")] = Field(
        timedelta(minutes=1), description="How often the mailbox is looked into (seconds or ISO 8601)."
    )

    @model_validator(mode="after")
    def _mailbox_is_whole(self) -> Self:
        if self.bounce_imap_host and not (self.bounce_imap_user and self.bounce_imap_password):
            raise ValueError("set BOUNCE_IMAP_USER and BOUNCE_IMAP_PASSWORD as well, or leave BOUNCE_IMAP_HOST empty")
        return self
