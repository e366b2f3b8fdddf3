"""Decides who may read `/metrics`: callers that reach this process directly from a private network, and never the public through
a proxy."""

from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response


def from_inside(request: Request) -> bool:
    """A proxy adds `X-Forwarded-For`, so requests that came through one are from outside."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return not ip_address(request.client.host).is_global
    except ValueError:
        return False


def metrics_answer(registry: CollectorRegistry) -> Response:
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})
