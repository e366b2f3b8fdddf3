"""The process in which apprise runs: it reads addresses and writes requests, and can neither connect nor open files nor start
programs. Whoever started it sends the requests (`services/notifications/apprise.py`).

Jobs come as JSON, one a line, on its input, and answers leave on its output. It ends when its input ends. No address is ever an
argument, so none shows in the list of processes.
"""

import base64
import json
import logging
import os
import queue
import re
import signal
import sys
import threading
from typing import Any, BinaryIO

import requests
from apprise import Apprise, AppriseAsset
from apprise.common import NotifyFormat, OverflowMode
from requests.adapters import HTTPAdapter

from services.notifications.services import PLAIN, READS_FILES, REPEATS, TOGETHER, service_of

FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system", "os.spawn", "os.remove", "os.rename")
"""Beginnings of Python's audit events that raise an error here."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SECURITY = {"ssl": "tls", "starttls": "starttls", "insecure": "none"}
"""Apprise's words for how a mail leaves, and ours."""
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[ -~]*")
ROOT = os.path.realpath(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))

_here = threading.local()


class Unusable(ValueError):
    """The address cannot be used. The text is ours and does not quote it."""


class Ended(BaseException):
    """The parent has given up this job. It is a BaseException, because apprise catches every Exception."""


class Parent:
    """The line to the process that started this one. Several jobs run at the same time, each in a thread of its own."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self.waiting: dict[int, queue.Queue[dict[str, Any] | None]] = {}

    def write(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._answers.write(line)
            self._answers.flush()

    def ask(self, job: int, request: dict[str, Any]) -> dict[str, Any]:
        """Has a request sent, and returns its answer. Raises Ended when the parent waits for this job no longer."""
        self.write({"job": job, "request": request})
        if (answer := self.waiting[job].get()) is None:
            raise Ended
        return answer


class ByParent(HTTPAdapter):
    """Requests of apprise are sent by the parent. A redirect is an answer like others, because nobody may follow it."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body or b""
        if not isinstance(body, str | bytes):
            raise requests.RequestException("streams are not sent")
        content = base64.b64encode(body.encode() if isinstance(body, str) else body).decode()
        asked = {"method": request.method, "url": request.url, "headers": dict(request.headers), "content": content}
        found = _here.parent.ask(_here.job, asked)
        if found.get("error"):
            raise requests.ConnectionError
        response = requests.Response()
        response.status_code, response.url, response.request = found["status"], request.url or "", request
        response.headers.update({name: value for name, value in found["headers"] if name.lower() != "location"})
        response._content = base64.b64decode(found["body"])
        return response


def look(address: str) -> dict[str, Any]:
    """Returns what the address says: its scheme and host, and all that a mail needs. Raises Unusable."""
    plugin, scheme = _plugin(address)
    found: dict[str, Any] = {"scheme": scheme, "host": None, "port": None, "secure": bool(plugin.secure)}
    if scheme == "mailtos":
        found["mail"] = _mail(plugin)
        found |= {"host": _host(plugin.smtp_host), "port": plugin.port}
    elif (service := service_of(scheme)) and service.own_host and getattr(plugin, "mode", None) != "cloud":
        found |= {"host": _host(plugin.host), "port": plugin.port, "secure": bool(plugin.secure) or scheme == "workflow"}
    return found


def send(address: str, title: str, body: str) -> bool:
    plugin, _ = _plugin(address)
    return bool(plugin.notify(body=body, title=title, body_format=NotifyFormat.TEXT))


def _plugin(address: str) -> tuple[Any, str]:
    parameters = _parameters(address)
    if given := sorted(REPEATS & parameters):
        raise Unusable(f"The parameter {given[0]} is not needed, because a notification is tried again for a day: leave it out.")
    if given := sorted(READS_FILES & parameters):
        raise Unusable(f"The parameter {given[0]} is not possible here: leave it out.")
    asset = AppriseAsset(
        app_id="Linkwake", app_desc="Linkwake", app_url="", http_redirects=False, pgp_autogen=False, pem_autogen=False
    )
    asset.image_url_mask = asset.image_url_logo = ""
    try:
        plugin = Apprise.instantiate(address, asset=asset)
    except Exception:
        plugin = None
    if plugin is None and address.lower().startswith(("https://", "http://")):
        raise Unusable("Write https://host/path as jsons://host/path (JSON), forms://host/path or xmls://host/path.")
    if plugin is None:
        raise Unusable("This is not an address that apprise can read: docs/notifications.md lists the services and their forms.")
    schemes = {scheme for each in (plugin.protocol, plugin.secure_protocol) for scheme in _all(each)}
    known = next((PLAIN.get(each, each) for each in sorted(schemes) if service_of(each)), None)
    if known is None:
        raise Unusable(f"{plugin.service_name} cannot be notified from here: docs/notifications.md lists the services that can.")
    _refuse_what_cannot_work(plugin, known)
    return plugin, known


def _refuse_what_cannot_work(plugin: Any, scheme: str) -> None:
    if plugin.port is not None and not 1 <= plugin.port <= 65_535:
        raise Unusable("A port is a number from 1 to 65535: correct it, or leave it out.")
    if scheme not in TOGETHER and (named := len(plugin)) > 1:
        raise Unusable(f"The address names {named} recipients: make a target for each of them.")
    if plugin.overflow_mode == OverflowMode.SPLIT:
        raise Unusable("A notification is one message: leave the parameter overflow out.")
    for name, value in (getattr(plugin, "headers", None) or {}).items():
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise Unusable("A header has a name without spaces, and only printable ASCII characters: correct the parameter ?+….")


def _host(host: str) -> str:
    """Returns an IPv6 address without its brackets, as connections want it."""
    return host.removeprefix("[").removesuffix("]")


def _mail(plugin: Any) -> dict[str, Any]:
    sender_name, sender = plugin.from_addr
    to = [each[1] for each in plugin.targets]
    if not sender or not to:
        raise Unusable("The address of a mailbox needs a sender (?from=) and somebody to write to (?to=).")
    named = [sender, sender_name or "", *to, *plugin.cc, *plugin.bcc]
    if not all(each.isprintable() for each in named):
        raise Unusable("The sender and the recipients of a mail have no line breaks and no control characters: leave them out.")
    return {
        "user": plugin.user,
        "password": plugin.password,
        "security": SECURITY[plugin.secure_mode] if plugin.secure else "none",
        "sender": sender,
        "sender_name": sender_name or "Linkwake",
        "to": to,
        "cc": sorted(plugin.cc),
        "bcc": sorted(plugin.bcc),
        "reply_to": sorted(each[1] if isinstance(each, tuple) else each for each in plugin.reply_to),
    }


def _parameters(address: str) -> set[str]:
    query = address.partition("?")[2]
    return {part.partition("=")[0].strip().lower() for part in query.split("&")}


def _all(schemes: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (schemes,) if isinstance(schemes, str) else tuple(schemes or ())


def work(parent: Parent, job: int, given: dict[str, Any]) -> None:
    _here.parent, _here.job = parent, job
    try:
        result = look(given["address"]) if given["do"] == "look" else send(given["address"], given["title"], given["body"])
        parent.write({"job": job, "result": result})
    except Unusable as problem:
        parent.write({"job": job, "problem": str(problem)})
    except BaseException as error:
        parent.write({"job": job, "failed": type(error).__name__})
    finally:
        parent.waiting.pop(job, None)


def close_in() -> None:
    """From now on this process can read what Python itself needs, and nothing else. It cannot be undone."""
    python = tuple(os.path.realpath(each) + os.sep for each in (sys.prefix, sys.base_prefix))

    def is_code(path: str) -> bool:
        """Whether it belongs to Python and its packages, or is a module of ours."""
        real = os.path.realpath(path)
        return real.startswith(python) or (real.startswith(ROOT + os.sep) and real.endswith((".py", ".pyc")))

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and not flags & WRITING and is_code(path):
                return
            raise PermissionError("no file can be opened here")
        if event.startswith(FORBIDDEN):
            raise PermissionError("this process does nothing but write requests")

    sys.addaudithook(refuse)


def main() -> None:
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)  # what apprise says of an address belongs nowhere
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent
    HTTPAdapter.send = ByParent.send  # type: ignore[method-assign,assignment]
    Apprise.instantiate("jsons://localhost")  # loads all of its plugins
    close_in()
    parent = Parent(answers)
    for line in jobs:
        message = json.loads(line)
        job = message["job"]
        if "answer" in message:
            if waiting := parent.waiting.get(job):
                waiting.put(message["answer"])
            continue
        parent.waiting[job] = queue.Queue()
        threading.Thread(target=work, args=(parent, job, message), daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main()
