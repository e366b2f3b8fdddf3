"""Applications that say how long the longest header was and fail at /fail, for `tests/stack/roles/test_serve.py`.

python -m tests.stack.served ASGI|RSGI PORT
"""

import sys
from typing import Any

from granian.constants import Interfaces

from settings import Settings
from stack.roles.logs import configure
from stack.roles.serve import serve


class Asgi:
    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            _fail(scope["path"])
            longest = max(len(value) for _, value in scope["headers"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(longest).encode()})


class Rsgi:
    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        _fail(scope.path)
        protocol.response_str(200, [], str(max(map(len, scope.headers.values()))))


def _fail(path: str) -> None:
    if path == "/fail":
        raise ValueError("canary")


if __name__ == "__main__":
    settings = Settings(_env_file=None, log_level="error")
    configure(settings)
    kind, port = sys.argv[1].upper(), int(sys.argv[2])
    serve(f"tests.stack.served:{kind.capitalize()}", ("PORT", "127.0.0.1", port), settings, Interfaces[kind])
