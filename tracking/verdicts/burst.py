"""Decides which human-looking clicks on one message are a scanner's. All of them are judged at once, because the first hit can be
anybody's: a scanner that looks like a browser gives itself away by how it opens the links, and a person may click meanwhile.

This is pure: it takes the clicks of one message and returns those of a scanner. `tracking/verdicts/evidence.py` says what weighs
how much, and `docs/tracking.md` has the rule in words.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tracking.verdicts.evidence import MACHINE, Message, Opening, points
from tracking.verdicts.network import network_of

GAP = timedelta(seconds=3)
"""Clicks on one message with at most this time between them are one burst and are judged together."""

QUIET = GAP
"""A message without a click for this long has no burst in progress, so its clicks can be decided."""


class Client(NamedTuple):
    """Who clicked, as far as one can tell. Both are None when the organization keeps no metadata, and then everybody looks the
    same."""

    network: str | None
    agent: str | None


class Hit(NamedTuple):
    """A human-looking click. `known` says that it was found to be a scanner's before, in an earlier part of the same burst."""

    id: UUID
    position: int
    at: datetime
    client: Client
    known: bool = False


def client_of(ip: str | None, agent: str | None) -> Client:
    return Client(network_of(ip) if ip else None, agent)


def scanned(hits: Iterable[Hit], message: Message) -> set[UUID]:
    """Returns the ids of those clicks on one message that are a scanner's."""
    return {hit.id for burst in _bursts(hits) for hit in _scanned_in(burst, message)}


def _bursts(hits: Iterable[Hit]) -> list[list[Hit]]:
    bursts: list[list[Hit]] = []
    for hit in sorted(hits, key=lambda hit: hit.at):
        if bursts and hit.at - bursts[-1][-1].at <= GAP:
            bursts[-1].append(hit)
        else:
            bursts.append([hit])
    return bursts


def _scanned_in(burst: Sequence[Hit], message: Message) -> Sequence[Hit]:
    by_client: defaultdict[Client, list[Hit]] = defaultdict(list)
    for hit in burst:
        by_client[hit.client].append(hit)
    groups = [_hits_of(group, burst) for group in _related(by_client)]
    scans = [group for group in groups if _is_scan(group, message)]
    if scans:
        return [hit for group in scans for hit in _machines(group, message)]
    # Each client opened one link only, so this is a scanner with many addresses and browsers, and no client can be told from it.
    alone = all(len({hit.position for hit in group}) == 1 for group in groups)
    return burst if alone and _is_scan(burst, message) else []


def _hits_of(clients: set[Client], burst: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in burst if hit.client in clients]


def _is_scan(hits: Sequence[Hit], message: Message) -> bool:
    """`hits` in the order of time."""
    first = {hit.position: hit for hit in reversed(hits)}
    openings = sorted((Opening(hit.position, hit.at) for hit in first.values()), key=lambda opening: opening.at)
    changes = len({hit.client for hit in first.values()}) == len(first)
    return any(hit.known for hit in hits) or points(openings, message, changes) >= MACHINE


def _related(clients: Iterable[Client]) -> list[set[Client]]:
    """Clients that share a network or an agent belong together, because scanners change one of them from hit to hit."""
    groups: list[set[Client]] = []
    for client in clients:
        near = [group for group in groups if any(client.network == each.network or client.agent == each.agent for each in group)]
        groups = [group for group in groups if group not in near]
        groups.append({client}.union(*near))
    return groups


def _machines(group: Sequence[Hit], message: Message) -> list[Hit]:
    """Finds people among a scanner and its relatives. A client that is not a scanner by itself, and that clicked only what a
    scanner opened in any case, is a person (who shares the scanner's network, or the browser that it pretends to be). A client
    that opened a link that the others left out is a part of the scanner."""
    by_client: defaultdict[Client, list[Hit]] = defaultdict(list)
    for hit in group:
        by_client[hit.client].append(hit)
    scans = {client for client, hits in by_client.items() if _is_scan(hits, message)}
    opened = {hit.position for client in scans for hit in by_client[client]}
    return [
        hit
        for client, hits in by_client.items()
        if client in scans or not {hit.position for hit in hits} <= opened
        for hit in hits
    ]
