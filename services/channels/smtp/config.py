"""The settings of a channel that sends e-mail by a mail server."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import idna
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from models.contacts.input import normal_email
from services.channels.base import Config, Host
from services.channels.smtp.dkim import Selector, Signer, read_ed25519_key, read_rsa_key
from services.mail.connect import PORTS, MailServer, Security
from tracking.links.hosts import named_host
from tracking.tokens.verp import MAX_MAILBOX_LENGTH

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")


def _host(text: str) -> str:
    if not re.fullmatch(r"[^\s/?#@:]+|\[?[0-9a-fA-F:.]+\]?", text.strip()):
        raise ValueError("Write the mail server's name alone, such as smtp.example.com; its port is a field of its own.")
    return named_host(text.strip()).strip("[]")


def _domain(text: str) -> str:
    try:
        return idna.encode(text.strip().rstrip("."), uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("Write a domain such as example.com.") from None


def _selector(text: str) -> str:
    if not all(_LABEL.fullmatch(label) for label in text.lower().split(".")):
        raise ValueError("A selector is the name before ._domainkey in the DNS, such as linkwake1.")
    return text.lower()


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("Write it in one line, with printable characters.")
    return text.strip()


def _mailbox(text: str) -> str:
    address = normal_email(text)
    local = address.rpartition("@")[0]
    if not local.isascii() or "+" in local or len(local) > MAX_MAILBOX_LENGTH:
        raise ValueError(
            f"Write an address with at most {MAX_MAILBOX_LENGTH} characters before the @, all ASCII and without a +, such as "
            "bounce@mail.example.com: what names the message is put behind a + there."
        )
    return address


HostName = Annotated[str, Field(max_length=253), AfterValidator(_host)]
Address = Annotated[str, Field(max_length=254), AfterValidator(normal_email)]
Mailbox = Annotated[str, Field(max_length=254), AfterValidator(_mailbox)]
DomainName = Annotated[str, Field(max_length=253), AfterValidator(_domain)]
SelectorName = Annotated[str, Field(max_length=100), AfterValidator(_selector)]


class SmtpConfig(Config):
    """A mail server, the sender, and how its mails are signed."""

    SENT = frozenset({"password"})

    host: Annotated[str, Field(max_length=253), AfterValidator(_host)] = Field(
        description="The mail server.", examples=["smtp.example.com"]
    )
    port: int | None = Field(None, ge=1, le=65535, description="null: 587 with starttls, 465 with tls.")
    security: Security = Field(
        "starttls", description="tls: encrypted from the first byte; starttls: before anything is said; none: development only."
    )
    user: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)] | None = Field(
        None, description="Logs in by PLAIN or LOGIN; null: without a log-in."
    )
    password: SecretStr | None = Field(None, max_length=1000, validate_default=True, description="The password of user.")
    from_address: Address = Field(description="The sender that people see.", examples=["hello@example.com"])
    from_name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)] | None = Field(
        None, description="The sender's name.", examples=["Example Shop"]
    )
    reply_to: Address | None = Field(None, description="Where answers go; null: to from_address.")
    bounce_address: Mailbox | None = Field(
        None,
        description="A mailbox for bounces: each mail has its own address there (bounce+…@), which names the message. null: "
        "bounces go to from_address.",
        examples=["bounce@mail.example.com"],
    )
    bounce_secret: SecretStr | None = Field(
        None,
        min_length=16,
        max_length=200,
        description="Signs the bounces that a mail server of yours posts to us; null: none are taken that way.",
    )
    unsubscribe_address: Mailbox | None = Field(
        None, description="A mailbox for unsubscribe mails, named in the same way; null: that of the bounces."
    )
    dkim_domain: DomainName | None = Field(None, description="The domain that signs; null: that of from_address.")
    dkim_rsa_selector: SelectorName | None = Field(None, description="The RSA key's name in the DNS.", examples=["mail1"])
    dkim_rsa_key: SecretStr | None = Field(None, max_length=10_000, validate_default=True, description="A private key in PEM.")
    dkim_ed25519_selector: SelectorName | None = Field(None, description="The name of the Ed25519 key in the DNS.")
    dkim_ed25519_key: SecretStr | None = Field(
        None, max_length=1000, validate_default=True, description="A private key in PEM, or its seed of 32 bytes in base64."
    )
    list_id: DomainName | None = Field(None, description="Names the list of marketing mails; null: list and the sender's domain.")
    feedback_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]{5,15}$",
        description="Names you in the Feedback-ID of each mail, by which Gmail's Postmaster Tools count complaints.",
    )
    inline_css: bool = Field(False, description="Whether the rules of <style> are written into the elements of the HTML part.")
    connections: int = Field(4, ge=1, le=50, description="Connections that each worker opens at most, and keeps.")

    @field_validator("password")
    @classmethod
    def _user_and_password_belong_together(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (value is None) != (info.data.get("user") is None):
            raise ValueError("Give both user and password, or neither.")
        return value

    @field_validator("dkim_rsa_key")
    @classmethod
    def _rsa_key_is_readable(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        _check_pair(value, info.data.get("dkim_rsa_selector"), "dkim_rsa")
        if value is not None:
            read_rsa_key(value.get_secret_value())
        return value

    @field_validator("dkim_ed25519_key")
    @classmethod
    def _ed25519_key_is_readable(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        _check_pair(value, info.data.get("dkim_ed25519_selector"), "dkim_ed25519")
        if value is not None:
            read_ed25519_key(value.get_secret_value())
        return value

    def hosts(self) -> Sequence[Host]:
        return [Host("host", self.host, self.port or PORTS[self.security], secure=self.security != "none")]

    @property
    def from_domain(self) -> str:
        return domain_of(self.from_address)

    def server(self) -> MailServer:
        password = self.password.get_secret_value() if self.password else None
        return MailServer(
            self.host, self.port or PORTS[self.security], self.security, self.user, password, hello=self.from_domain
        )

    def signer(self) -> Signer | None:
        """Returns what signs mails, or None without a key."""
        selectors = []
        if self.dkim_rsa_selector and self.dkim_rsa_key:
            selectors.append(Selector(self.dkim_rsa_selector, read_rsa_key(self.dkim_rsa_key.get_secret_value())))
        if self.dkim_ed25519_selector and self.dkim_ed25519_key:
            key = read_ed25519_key(self.dkim_ed25519_key.get_secret_value())
            selectors.append(Selector(self.dkim_ed25519_selector, key))
        return Signer(self.dkim_domain or self.from_domain, selectors) if selectors else None


def domain_of(address: str) -> str:
    """Returns the domain of a mail address in ASCII."""
    return _in_ascii(address.rpartition("@")[2])


@lru_cache(maxsize=10_000)
def _in_ascii(domain: str) -> str:
    """Most people have their mailbox at one of few domains, and each of them takes longer to encode than a mail to fold."""
    return idna.encode(domain, uts46=True).decode()


def _check_pair(key: SecretStr | None, selector: str | None, name: str) -> None:
    if (key is None) != (selector is None):
        raise ValueError(f"Give both {name}_selector and {name}_key, or neither.")
