"""Stylesheets, scripts and icons: their addresses change with their content, so that browsers keep them for ever. They are sent
compressed. Pages are not, because they hold what somebody typed beside the token of the session's forms, and the length of what
is compressed would say how much the two have in common (BREACH)."""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from console.addresses import url

FOLDER = Path(__file__).parent / "static"
KEPT = "public, max-age=31536000, immutable"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


class StaticFiles:
    """Reads all files once, when the process starts. A module that imports another one names it relatively, and so with the same
    version: `import { open } from "./dialogs.js"`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self.packed = {name: gzip.compress(content, mtime=0) for name, content in self._files.items()}
        everything = b"".join(name.encode() + content for name, content in self._files.items())
        self.version = hashlib.sha256(everything).hexdigest()[:12]

    def address(self, name: str) -> str:
        if name not in self._files:
            raise KeyError(f"there is no console/static/{name}")
        return url(f"/static/{self.version}/{name}")

    async def answer(self, request: Request) -> Response:
        """An old version gets the present file, which a page that is being reloaded can use, and is not kept."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return PlainTextResponse("There is no such file.", 404, HEADERS)
        headers = {**HEADERS, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = self.packed[name], "gzip"
        kept = KEPT if request.path_params["version"] == self.version else "no-store"
        kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, 200, {**headers, "Cache-Control": kept}, media_type=kind)
