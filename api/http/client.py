"""Whose request it is: the address of the client, behind our own proxies as well."""

from functools import lru_cache

from starlette.requests import Request

from api.redirect.answering.client_address import ClientAddress
from api.redirect.answering.link_request import read_link_request
from services.process.client_network import client_network
from settings import Settings

_reading = lru_cache(maxsize=8)(ClientAddress)


def network_of(request: Request, settings: Settings) -> str:
    """Returns the network by which a client is known again. Behind proxies of ours (`TRUSTED_PROXIES`), however many, it is that
    of the address which the outermost of them has seen, as for a click. It is empty when nobody can know it."""
    return client_network(_reading(settings.trusted_proxies).of(read_link_request(request.scope)))
