"""Reads a domain's SPF record (RFC 7208): whether it is usable, and whether it lets an address send."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Records = Callable[[str, str], Awaitable[list[str]]]
"""Looks up a name's records of a kind, such as TXT."""
Address = IPv4Address | IPv6Address

MOST_LOOKUPS = 10
"""RFC 7208 4.6.4: receivers give a record up that needs more look-ups of names than this."""
_LOOK_UP = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})


@dataclass
class Spf:
    """What is known of a domain's record. `records` are those at the domain itself, of which there has to be one. `permits` is
    whether the first part that matches the address lets it send, and None when no part matches."""

    records: list[str]
    lookups: int = 0
    permits: bool | None = None


async def read_spf(domain: str, address: str | None, look: Records) -> Spf:
    """With `address` None, `permits` is None unless the record lets everybody send."""
    found = Spf(await _records(domain, look))
    if len(found.records) == 1:
        found.permits = await _walk(found, found.records[0], domain, ip_address(address) if address else None, look)
    return found


async def _records(domain: str, look: Records) -> list[str]:
    return [each for each in await look(domain, "TXT") if each.lower() == "v=spf1" or each.lower().startswith("v=spf1 ")]


async def _walk(found: Spf, record: str, domain: str, address: Address | None, look: Records) -> bool | None:
    """Goes through all parts, because a receiver has to for an address that none of them matches. Returns what the first match
    says."""
    said: bool | None = None
    for term in record.split()[1:]:
        qualifier, name, value = _parts(term)
        found.lookups += name in _LOOK_UP
        if found.lookups > MOST_LOOKUPS:
            break
        if await _matches(found, name, value, domain, address, look):
            said = qualifier == "+" if said is None else said
    return said


def _parts(term: str) -> tuple[str, str, str]:
    """`-include:example.com` has the parts `-`, `include` and `example.com`."""
    qualifier = term[0] if term[0] in "+-~?" else "+"
    bare = term.lstrip("+-~?")
    end = min((bare.index(each) for each in ":=/" if each in bare), default=len(bare))
    value = bare[end + 1 :] if bare[end : end + 1] in {":", "="} else bare[end:]
    return qualifier, bare[:end].lower(), value


async def _matches(found: Spf, name: str, value: str, domain: str, address: Address | None, look: Records) -> bool:
    """Parts with macros and those that ask for reverse names match nothing here."""
    if "%" in value:
        return False
    if name == "all":
        return True
    if name in {"ip4", "ip6"}:
        return address is not None and _is_within(address, value)
    if name in {"include", "redirect"}:
        records = await _records(value, look)
        return len(records) == 1 and await _walk(found, records[0], value, address, look) is True
    if name in {"a", "mx"} and address is not None:
        host, _, prefix = value.partition("/")
        hosts = [host or domain]
        if name == "mx":
            hosts = [record.split()[-1].rstrip(".") for record in await look(hosts[0], "MX")]
        addresses = await _addresses(hosts, address, look)
        return any(_is_within(address, f"{each}/{prefix}" if prefix else each) for each in addresses)
    return False


async def _addresses(hosts: list[str], like: Address, look: Records) -> list[str]:
    kind = "A" if like.version == 4 else "AAAA"
    return [address for host in hosts[:MOST_LOOKUPS] for address in await look(host, kind)]


def _is_within(address: Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False
