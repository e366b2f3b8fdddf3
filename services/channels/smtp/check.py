"""Looks at what receivers see of a sender: SPF, DKIM, DMARC and its alignment, the reverse name, TLS, and where bounces go.

Each finding says what to publish. Only what is public is asked for; no mail is sent.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import cast

import aiosmtplib
from dns.reversename import from_address

from models.base import now
from models.errors import Unavailable
from services.channels.base import Check, Outside
from services.channels.smtp.config import SmtpConfig, domain_of
from services.channels.smtp.dkim import Selector
from services.channels.smtp.spf import MOST_LOOKUPS, Records, read_spf
from services.mail.connect import NotConnected, connect
from services.name_servers import records
from services.way_out.errors import WayOutError

LEAST_DAYS = 14
"""Days that the server's certificate should still be valid."""


async def check_sender(config: SmtpConfig, outside: Outside) -> list[Check]:
    """Returns the findings in the order in which it is best to correct them."""
    looks: dict[str, Callable[[], Awaitable[list[Check]]]] = {
        "spf": partial(_spf, config, outside),
        "dkim": partial(_dkim, config, outside),
        "dmarc": partial(_dmarc, config, outside),
        "bounces": partial(_bounces, config, outside),
        "reverse_name": partial(_reverse_name, config, outside),
        "tls": partial(_tls, config, outside),
    }
    found: list[Check] = []
    for name, look in looks.items():
        try:
            found += await look()
        except Unavailable:
            found.append(Check(name, ok=False, detail="No name server answers: check DNS_SERVERS, and try again later."))
    return found


def _looking(outside: Outside) -> Records:
    return partial(records, servers=outside.settings.dns_servers)


async def _addresses(config: SmtpConfig, outside: Outside) -> list[str]:
    """Returns nothing for a host that has no address, or none that may be reached."""
    with suppress(WayOutError):
        return await outside.way_out.check(config.host, 0, secure=True)
    return []


def _return_domain(config: SmtpConfig) -> str:
    """Returns the domain of the envelope sender, which SPF is about."""
    return domain_of(config.bounce_address or config.from_address)


async def _spf(config: SmtpConfig, outside: Outside) -> list[Check]:
    domain, addresses = _return_domain(config), await _addresses(config, outside)
    found = await read_spf(domain, addresses[0] if addresses else None, _looking(outside))
    if not found.records:
        publish = f'{domain}. TXT "v=spf1 {_mechanism(config.host)} ~all"'
        detail = f"{domain} has no SPF record. If your provider sends from other servers, publish its include instead."
        return [Check("spf", ok=False, detail=detail, publish=publish)]
    if len(found.records) > 1:
        detail = f"{domain} has {len(found.records)} SPF records, so receivers ignore them all: put them together into one."
        return [Check("spf", ok=False, detail=detail)]
    if found.lookups > MOST_LOOKUPS:
        detail = f"The SPF record of {domain} needs more than {MOST_LOOKUPS} look-ups, so receivers ignore it: remove includes."
        return [Check("spf", ok=False, detail=detail)]
    if found.permits:
        return [Check("spf", ok=True, detail=f"The SPF record of {domain} lets the mail server send.")]
    detail = (
        f"The SPF record of {domain} does not name the mail server itself. That is right only if your provider sends from other "
        "servers: then the record has to have the include that it names."
    )
    includes = "include:" in found.records[0].lower() or "redirect=" in found.records[0].lower()
    add = None if includes else _with_host(found.records[0], domain, config.host)
    return [Check("spf", ok=includes, detail=detail, publish=add)]


def _with_host(record: str, domain: str, host: str) -> str:
    version, *rest = record.split()
    return f'{domain}. TXT "{" ".join([version, _mechanism(host), *rest])}"'


def _mechanism(host: str) -> str:
    """Returns what permits the host in an SPF record: `a:` takes names only."""
    try:
        return f"ip{ip_address(host).version}:{host}"
    except ValueError:
        return f"a:{host}"


async def _dkim(config: SmtpConfig, outside: Outside) -> list[Check]:
    signer = config.signer()
    if signer is None:
        detail = "This channel signs nothing. Give it a DKIM key, unless your provider signs your mails."
        return [Check("dkim", ok=False, detail=detail)]
    return [await _selector(selector, signer.domain, outside) for selector in signer.selectors]


async def _selector(selector: Selector, domain: str, outside: Outside) -> Check:
    name, record = f"{selector.name}._domainkey.{domain}", selector.key.record()
    check = f"dkim_{selector.key.algorithm.partition('-')[0]}"
    publish = f"{name}. TXT {_quoted(record)}"
    texts = await _looking(outside)(name, "TXT")
    if not texts:
        return Check(check, ok=False, detail=f"There is no key at {name}, so nobody can verify the signatures.", publish=publish)
    if len(texts) > 1:
        return Check(check, ok=False, detail=f"There are {len(texts)} records at {name}: leave one.", publish=publish)
    if _tags(texts[0]).get("p", "").replace(" ", "") != _tags(record)["p"]:
        detail = f"The key at {name} is not the public half of the channel's key."
        return Check(check, ok=False, detail=detail, publish=publish)
    return Check(check, ok=True, detail=f"The key at {name} is the channel's.")


def _quoted(text: str) -> str:
    """Returns the text as zone files have it, where one string has at most 255 characters."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


def _tags(record: str) -> dict[str, str]:
    """Reads `v=DMARC1; p=none` into its parts."""
    parts = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in parts}


async def _dmarc(config: SmtpConfig, outside: Outside) -> list[Check]:
    """Looks at the policy of the domain in From, and whether a signature or the envelope sender is of the same organization."""
    look, domain = _looking(outside), config.from_domain
    organization, policy = domain, None
    labels = domain.split(".")
    for start in range(len(labels) - 1):  # the domain itself first, then those above it
        above = ".".join(labels[start:])
        texts = [each for each in await look(f"_dmarc.{above}", "TXT") if each.lower().startswith("v=dmarc1")]
        if len(texts) == 1:
            organization, policy = above, policy or texts[0]
    if policy is None:
        detail = f"{domain} has no DMARC policy, which large mailbox providers want of everybody who sends to many."
        found = Check("dmarc", ok=False, detail=detail, publish=f'_dmarc.{domain}. TXT "v=DMARC1; p=none"')
    else:
        found = Check("dmarc", ok=True, detail=f"The DMARC policy of {domain} is {_tags(policy).get('p', 'none')}.")
    return [found, _alignment(config, organization, _tags(policy or ""))]


def _alignment(config: SmtpConfig, organization: str, tags: dict[str, str]) -> Check:
    signer = config.signer()
    by_dkim = signer is not None and _is_aligned(signer.domain, config.from_domain, organization, tags.get("adkim"))
    by_spf = _is_aligned(_return_domain(config), config.from_domain, organization, tags.get("aspf"))
    if by_dkim:
        return Check("alignment", ok=True, detail="The DKIM signature is of the sender's domain, as DMARC wants it.")
    if by_spf:
        detail = "Only the envelope sender is of the sender's domain. Forwarded mails lose this: sign with its domain too."
        return Check("alignment", ok=True, detail=detail)
    detail = f"Neither the DKIM signature nor the bounce address is of {organization}: set dkim_domain to {config.from_domain}."
    return Check("alignment", ok=False, detail=detail)


def _is_aligned(domain: str, sender: str, organization: str, mode: str | None) -> bool:
    if mode == "s":
        return domain == sender
    return domain in {sender, organization} or domain.endswith(f".{organization}")


async def _bounces(config: SmtpConfig, outside: Outside) -> list[Check]:
    domain = _return_domain(config)
    exchangers = await _looking(outside)(domain, "MX")
    if exchangers:
        return [Check("bounces", ok=True, detail=f"Bounces to {domain} have a mail server to go to.")]
    detail = f"{domain} has no mail server (MX), so bounces are lost, and some receivers refuse its mail."
    return [Check("bounces", ok=False, detail=detail, publish=f"{domain}. MX 10 the host that takes the bounces")]


async def _reverse_name(config: SmtpConfig, outside: Outside) -> list[Check]:
    """An address whose name leads back to it is what receivers expect of a server that sends."""
    look, addresses = _looking(outside), await _addresses(config, outside)
    if not addresses:
        return [Check("reverse_name", ok=False, detail=f"{config.host} has no public address.")]
    found = []
    for address in addresses:
        names = [each.rstrip(".") for each in await look(str(from_address(address)), "PTR")]
        kind = "AAAA" if ":" in address else "A"
        leads_back = [name for name in names if address in await look(name, kind)]
        detail = (
            f"{address} is {leads_back[0]}, and leads back." if leads_back else f"{address} has no name that leads back to it."
        )
        name = f"{config.host}." if _mechanism(config.host).startswith("a:") else "the mail server's name, which it has to have"
        publish = None if leads_back else f"{from_address(address)} PTR {name} (at whoever gave you the address)"
        found.append(Check("reverse_name", ok=bool(leads_back), detail=detail, publish=publish))
    return found


async def _tls(config: SmtpConfig, outside: Outside) -> list[Check]:
    if config.security == "none":
        detail = "Mails leave without encryption, which is for development only: set security to starttls or tls."
        return [Check("tls", ok=False, detail=detail)]
    try:
        client = await connect(outside.way_out, replace(config.server(), user=None, password=None))
    except NotConnected as error:
        return [Check("tls", ok=False, detail=str(error))]
    try:
        encrypted = cast(ssl.SSLObject, client.get_transport_info("ssl_object"))
        days = _days_left(encrypted)
        version = encrypted.version()
    finally:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()
        client.close()
    detail = f"The connection is encrypted by {version}; the certificate is valid for {days} more days."
    return [Check("tls", ok=days >= LEAST_DAYS, detail=detail)]


def _days_left(encrypted: ssl.SSLObject) -> int:
    certificate = encrypted.getpeercert() or {}
    end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return int((end - now().timestamp()) // 86400)
