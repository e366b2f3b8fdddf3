"""How to reach a server that listens on a configured host."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not bound


def reachable(host: str) -> str:
    """Returns an address at which a server that listens on `host` can be called."""
    return EVERYWHERE.get(host, host)


def in_url(host: str) -> str:
    """Returns the same address as it is written in a URL."""
    host = reachable(host)
    return f"[{host}]" if ":" in host else host
