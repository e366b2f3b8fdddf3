"""Which human-looking clicks on one message are a scanner's? Decided on all of them at once, because the first hit can be
anybody's: a scanner that looks like a browser gives itself away by opening several links, and a person may click meanwhile.

Pure: the clicks of one message in, the scanner's out. The rule in words is in `docs/tracking.md`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tracking.network import network_of

GAP = timedelta(seconds=3)
"""Clicks on one message with no more than this between them are one burst. Scanners open all links at once or within a second or
two of each other; a person reads something in between."""

QUIET = GAP
"""A message without a click for this long has no burst going on: its clicks can be decided."""


class Client(NamedTuple):
    """Who clicked, as far as one can tell. Both None: the organization keeps no metadata, so everybody looks the same."""

    network: str | None
    agent: str | None


class Hit(NamedTuple):
    """A human-looking click. `known`: it was found to be a scanner's before, in an earlier part of the same burst."""

    id: UUID
    position: int
    at: datetime
    client: Client
    known: bool = False


def client_of(ip: str | None, agent: str | None) -> Client:
    return Client(network_of(ip) if ip else None, agent)


def scanned(hits: Iterable[Hit]) -> set[UUID]:
    """The ids of those clicks on one message that are a scanner's."""
    return {hit.id for burst in _bursts(hits) for hit in _scanned_in(burst)}


def _bursts(hits: Iterable[Hit]) -> list[list[Hit]]:
    bursts: list[list[Hit]] = []
    for hit in sorted(hits, key=lambda hit: hit.at):
        if bursts and hit.at - bursts[-1][-1].at <= GAP:
            bursts[-1].append(hit)
        else:
            bursts.append([hit])
    return bursts


def _scanned_in(burst: Sequence[Hit]) -> Sequence[Hit]:
    if not _is_scan(burst):
        return []  # one link, however often: a person who is impatient
    by_client: defaultdict[Client, list[Hit]] = defaultdict(list)
    for hit in burst:
        by_client[hit.client].append(hit)
    groups = _related(by_client)
    scans = [group for group in groups if _is_scan(hit for client in group for hit in by_client[client])]
    if not scans:
        return burst  # every link from somewhere else: a scanner with many addresses, and nobody to tell from it
    return [hit for group in scans for hit in _machines([by_client[client] for client in group])]


def _is_scan(hits: Iterable[Hit]) -> bool:
    hits = list(hits)
    return len({hit.position for hit in hits}) > 1 or any(hit.known for hit in hits)


def _related(clients: Iterable[Client]) -> list[set[Client]]:
    """Clients that share a network or an agent belong together: scanners change one of them from hit to hit."""
    groups: list[set[Client]] = []
    for client in clients:
        near = [group for group in groups if any(client.network == each.network or client.agent == each.agent for each in group)]
        groups = [group for group in groups if group not in near]
        groups.append({client}.union(*near))
    return groups


def _machines(clients: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Within a scanner and its relatives: who clicked one link only, one that a scanner opened anyway, is a person (with the
    scanner's network, or the browser that it pretends to be). Who opened a link that the others left out is a part of it."""
    opened = {hit.position for hits in clients if _is_scan(hits) for hit in hits}
    return [hit for hits in clients if _is_scan(hits) or hits[0].position not in opened for hit in hits]
