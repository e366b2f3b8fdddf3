"""Settings of tracked links: their domain, what proves one, and the keys of their tokens."""

from ipaddress import ip_address
from typing import Annotated, NamedTuple

import ada_url
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, field_validator
from pydantic_settings import NoDecode

from setting_groups.readers import PortNumber, check_keys, separated


class NameServer(NamedTuple):
    """A DNS server: its IP address and port."""

    host: str
    port: int = 53


def _host_name(text: str) -> str:
    """Returns a host as addresses hold it: in lower-case ASCII, without a port."""
    try:
        url = ada_url.URL(f"https://{text}/")
    except ValueError:
        raise ValueError(f"write host names such as api.example.com; {text} is not one") from None
    if url.port or url.pathname != "/":
        raise ValueError(f"write host names without port and path; {text} has one")
    return str(url.hostname)


def _name_server(text: str) -> NameServer:
    host, colon, port = text.rpartition(":")
    try:
        if not colon or (host.count(":") and not host.startswith("[")):
            return NameServer(str(ip_address(text.strip("[]"))))
        return NameServer(str(ip_address(host.strip("[]"))), TypeAdapter(PortNumber).validate_python(port))
    except ValueError:
        raise ValueError("write IP addresses of name servers, such as 9.9.9.9 or 127.0.0.1:5353") from None


class LinkSettings(BaseModel):
    """Link domains and token keys."""

    link_domain: str | None = Field(
        None, description="Base address of tracked links; empty: the redirect on this machine. An organization can have its own."
    )
    server_hosts: Annotated[tuple[str, ...] | None, NoDecode, separated(_host_name)] = Field(
        None,
        description="Comma separated names under which this server is reached besides LINK_DOMAIN, such as the API's: no "
        "organization can have its links there, and no link can lead there.",
    )
    dns_servers: Annotated[tuple[NameServer, ...] | None, NoDecode, separated(_name_server)] = Field(
        None, description="Comma separated name servers that prove link domains, host or host:port; empty: this machine's."
    )
    token_keys: SecretStr | None = Field(
        None,
        description="AES-256 keys of the link tokens, 64 hexadecimal digits each, comma separated; the first one encrypts, all "
        "decrypt. Empty: made once and kept in VAR_DIR. Losing them breaks every link ever sent.",
    )

    @field_validator("token_keys")
    @classmethod
    def _keys_are_hex(cls, value: SecretStr | None) -> SecretStr | None:
        return check_keys(value)

    @field_validator("link_domain")
    @classmethod
    def _domain_is_an_origin(cls, value: str | None) -> str | None:
        return None if value is None else base_address(value)


def base_address(text: str) -> str:
    """Returns the base of tracked links without a slash at the end, because the token follows after one."""
    problem = "write a base address such as https://go.example.com, without user name, path, query or fragment"
    try:
        url = ada_url.URL(text.strip())
    except ValueError:
        raise ValueError(problem) from None
    # Characters are checked and not only parts, because to the parser an empty query or fragment (a last ? or #) is no part.
    if url.protocol in {"http:", "https:"} and url.pathname == "/" and not (url.username or url.password or {*text} & {*"?#"}):
        return str(url.origin)
    raise ValueError(problem)
