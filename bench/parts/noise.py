"""What one organization can do to make its neighbours wait: eleven inputs at their limits, each in a process of its own.

    python -m bench.parts.noise NAME SECONDS

The process reads `Target` as JSON from standard input, makes its noise for SECONDS and prints how often each status was
answered. It runs at the lowest priority, so that what a neighbour feels is the server's work and not the generator's.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from demo.people import BROWSERS, PLACES

NICENESS = 15
MEGABYTE = 1_000_000
FIRST_ANSWER_SECONDS = 30.0
"""The longest time for which a noise goes on until it has been answered once, because a short one may have sent only large
bodies."""
STEPS_OF_TEXT = (90, 40, 16, 8, 4, 2, 1)
"""Definitions of this many texts of 200,000 characters are tried in turn, until one is small enough to be accepted."""


@dataclass(frozen=True)
class Target:
    """Where the noise goes: the addresses of the stack, the noisy organization's key, and one of its tracked links."""

    api: str
    redirect: str
    key: str
    link: str


class Noisy:
    """The noisy organization at work. `answers` counts the statuses, and `broken` connections."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.answers: Counter[str] = Counter()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
        headers = {"Authorization": f"Bearer {target.key}"}
        self._client = httpx.AsyncClient(base_url=f"{target.api}/v1", headers=headers, timeout=60, limits=limits, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Returns the answer and counts it. Returns None when the connection broke."""
        try:
            response = await self._client.request(method, path, **options)
        except httpx.HTTPError:
            self.answers["broken"] += 1
            await asyncio.sleep(0.05)
            return None
        self.answers[str(response.status_code)] += 1
        return response

    async def repeat(self, connections: int, work: Callable[[int], Awaitable[object]]) -> None:
        """Runs `work(number)` again and again on this many connections, until the process's time is over."""
        numbers = itertools.count()

        async def endlessly() -> None:
            while True:
                await work(next(numbers))

        await asyncio.gather(*(endlessly() for _ in range(connections)))


async def texts(noisy: Noisy) -> None:
    """Templates that are expensive to read, and one that is expensive to render."""
    loop = "{% for a in (1..1000) %}{% assign b = a | plus: 1 %}{% endfor %}"
    bodies = ["{{" * 5_000, "{{-" + " " * 8_000 + "-}}", "{% raw %}" + "x" * 9_000, "http://" * 1_400, loop * 150]
    drafts = [await _campaign(noisy, body) for body in bodies]

    async def save_or_preview(number: int) -> None:
        draft = drafts[number % len(bodies)]
        if draft:
            await noisy.call("POST", f"/campaigns/{draft}/preview", json={})
        else:
            await _campaign(noisy, bodies[number % len(bodies)])

    await noisy.repeat(4, save_or_preview)


async def _campaign(noisy: Noisy, body: str) -> str | None:
    fields = {"name": "Noise", "channel": "simulator-email", "message": {"subject": "Noise", "body": body}}
    answer = await noisy.call("POST", "/campaigns", json=fields)
    return str(answer.json()["id"]) if answer is not None and answer.status_code == 201 else None


async def unknown_keys(noisy: Noisy) -> None:
    """One contact with this many unknown fields."""
    bodies = [json.dumps({f"unknown{number}": 1 for number in range(count)}).encode() for count in (40_000, 200_000, 900_000)]
    headers = {"Content-Type": "application/json"}
    await noisy.repeat(4, lambda number: noisy.call("PUT", "/contacts", content=bodies[number % len(bodies)], headers=headers))


async def bulk(noisy: Noisy) -> None:
    """Sixteen requests of 4,000 contacts at once, over and over."""
    rows = [{"external_id": f"bulk-{number}", "first_name": "Noise", "tags": ["noise"]} for number in range(4_000)]
    body = json.dumps({"contacts": rows}).encode()
    headers = {"Content-Type": "application/json"}
    await noisy.repeat(16, lambda _: noisy.call("POST", "/contacts/bulk", content=body, headers=headers))


async def imports(noisy: Noisy) -> None:
    """Files of 12 MB, one after the other, fourteen and more."""
    line = b"import-%09d,Noise,noise\n"
    file = b"external_id,first_name,tags\n" + b"".join(line % number for number in range(12 * MEGABYTE // len(line % 0)))
    headers = {"Content-Type": "text/csv"}
    await noisy.repeat(3, lambda _: noisy.call("POST", "/contact-imports", content=file, headers=headers))


async def publish(noisy: Noisy) -> None:
    """A definition with as much text as is accepted, published again and again."""
    sequence = await _largest_sequence(noisy)

    async def change_and_publish(number: int) -> None:
        if number % 3 == 0:
            await noisy.call("PATCH", f"/sequences/{sequence}", json={"utm": {"source": f"noise{number}"}})
        await noisy.call("POST", f"/sequences/{sequence}/publish")

    await noisy.repeat(4, change_and_publish)


async def _largest_sequence(noisy: Noisy) -> str:
    for steps in STEPS_OF_TEXT:
        answer = await noisy.call("POST", "/sequences", json={"name": "Noise", "steps": [*map(_text_step, range(steps))]})
        if answer is not None and answer.status_code == 201:
            return str(answer.json()["id"])
    raise SystemExit("No sequence was accepted.")


def _text_step(number: int) -> dict[str, object]:
    paragraph = f'<p>Step {number}: <a href="https://example.com/{number}">an offer</a> &amp; more</p>'
    html = paragraph * (199_000 // len(paragraph))
    message = {"kind": "transactional", "subject": "Noise", "body": "An offer: https://example.com", "html": html}
    return {"kind": "send", "key": f"step{number}", "channel": "simulator-email", "message": message}


async def slow_bodies(noisy: Noisy) -> None:
    """Sixty bodies of 19 MB that never end."""
    part = b" " * 65_536

    async def drip() -> Any:
        yield b'{"contacts": ['
        while True:
            yield part
            await asyncio.sleep(0.5)

    headers = {"Content-Type": "application/json", "Content-Length": str(19 * MEGABYTE)}
    await noisy.repeat(60, lambda _: noisy.call("POST", "/contacts/bulk", content=drip(), headers=headers))


async def lists(noisy: Noisy) -> None:
    """The longest pages: forty connections read them, thirty ask and never read; ten ask for the description of the API."""
    rows = [{"external_id": f"list-{number}", "properties": {"note": "x" * 1_000}, "tags": ["list"]} for number in range(1_000)]
    await noisy.call("POST", "/contacts/bulk", json={"contacts": rows})
    paths = ("/contacts?limit=500", "/contacts?tag=list&limit=500", "/openapi.json", "/messages?limit=500")
    await asyncio.gather(
        noisy.repeat(40, lambda number: noisy.call("GET", paths[number % len(paths)])),
        *(_never_read(noisy) for _ in range(30)),
    )


async def _never_read(noisy: Noisy) -> None:
    address = urlsplit(noisy.target.api)
    head = f"GET /v1/contacts?limit=500 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {noisy.target.key}\r\n\r\n"
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1_024)
    try:
        writer.write(head.encode() * 20)
        await asyncio.Event().wait()
    finally:
        writer.close()
        del reader


async def header_bombs(noisy: Noisy) -> None:
    """A header of 3,900 bytes, named four thousand times by one byte each (HTTP/2), and forwarded addresses without end."""
    address = urlsplit(noisy.target.redirect)
    path = urlsplit(noisy.target.link).path
    forwarded = "X-Forwarded-For: " + ", ".join(["203.0.113.7"] * 600) + "\r\n"
    joined = f"GET {path} HTTP/1.1\r\nHost: a\r\n{forwarded * 8}\r\n".encode()

    async def send(number: int) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(_http2_bomb(path) if number % 2 else joined)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    answer = await reader.read(64)
                    noisy.answers[answer[9:12].decode("ascii", "replace") if answer.startswith(b"HTTP/1") else "other"] += 1
            writer.close()
        await asyncio.sleep(0.05)

    await noisy.repeat(4, send)


def _http2_bomb(path: str) -> bytes:
    """One request with prior knowledge: its user agent enters the table of headers once and is named 4,000 times."""
    agent = b"a" * 3_900
    value = b"\x7f" + _varint(len(agent) - 127) + agent
    name = path.encode()
    block = b"\x82\x86" + b"\x04" + bytes([len(name)]) + name + b"\x7a" + value + b"\xbe" * 4_000
    frame = len(block).to_bytes(3, "big") + b"\x01\x05" + (1).to_bytes(4, "big") + block
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + frame


def _varint(rest: int) -> bytes:
    """The bytes of a length that are behind its prefix (RFC 7541, section 5.1)."""
    parts = []
    while rest >= 128:
        parts.append(rest % 128 + 128)
        rest //= 128
    return bytes([*parts, rest])


async def clicks(noisy: Noisy) -> None:
    """One visitor asks for one link on thirty connections."""
    agent, address = BROWSERS[0][0], PLACES[0][0]
    headers = {"User-Agent": agent, "X-Forwarded-For": address, "Accept": "text/html"}
    await noisy.repeat(30, lambda _: noisy.call("GET", noisy.target.link, headers=headers, follow_redirects=False))


async def enrollments(noisy: Noisy) -> None:
    """Four thousand people at once into a sequence of three sends, again and again."""
    rows = [{"external_id": f"enroll-{number}", "phone": f"+1202{5_550_000 + number}"} for number in range(4_000)]
    answer = await noisy.call("POST", "/contacts/bulk", json={"contacts": rows})
    contacts = [row["contact_id"] for row in answer.json()["results"]] if answer is not None else []
    steps = [{"kind": "send", "key": f"s{n}", "channel": "simulator-sms", "message": {"body": "Noise"}} for n in range(3)]

    async def enroll(number: int) -> None:
        made = await noisy.call("POST", "/sequences", json={"name": f"Noise {number}", "steps": steps})
        if made is not None and made.status_code == 201:
            path = f"/sequences/{made.json()['id']}"
            await noisy.call("POST", f"{path}/publish")
            await noisy.call("POST", f"{path}/enrollments", json={"contact_ids": contacts})

    await noisy.repeat(2, enroll)


async def typed(noisy: Noisy) -> None:
    """What somebody types into the console's editor of sequences, and tags of nothing but accents."""
    console = f"{noisy.target.api}/console"
    await noisy.call("POST", f"{console}/sign-in", data={"key": noisy.target.key})
    page = await noisy.call("GET", f"{console}/sequences/new")
    token = re.findall(r'name="form_token" value="([^"]+)"', page.text)[0] if page is not None else ""
    accents = "\u0301\u0316" * 60_000
    drafts = ["steps:\n" + "- {kind: end, key: a}\n" * 4_400, "steps: []\n" + "\n" * 250_000, f"steps: []\ntags: [{accents}]\n"]
    contact = {"external_id": "accents", "tags": [accents]}

    async def type_or_tag(number: int) -> None:
        if number % 4:
            form = {"form_token": token, "yaml": f"name: Noise\n{drafts[number % 4 - 1]}", "do": "check"}
            await noisy.call("POST", f"{console}/sequences/new", data=form)
        else:
            await noisy.call("PUT", "/contacts", json=contact)

    await noisy.repeat(8, type_or_tag)


NOISES: dict[str, Callable[[Noisy], Awaitable[None]]] = {
    noise.__name__: noise
    for noise in (header_bombs, texts, unknown_keys, publish, bulk, imports, slow_bodies, lists, clicks, enrollments, typed)
}


async def _make(name: str, seconds: float, target: Target) -> Counter[str]:
    noisy = Noisy(target)
    print("begun", flush=True)
    noise = asyncio.ensure_future(NOISES[name](noisy))
    await asyncio.wait({noise}, timeout=seconds)
    end = asyncio.get_running_loop().time() + FIRST_ANSWER_SECONDS
    while not noisy.answers and not noise.done() and asyncio.get_running_loop().time() < end:
        await asyncio.wait({noise}, timeout=0.1)
    noise.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await noise
    await noisy.close()
    return noisy.answers


def main(name: str, seconds: str) -> None:
    os.nice(NICENESS)
    target = Target(**json.loads(sys.stdin.readline()))
    print(json.dumps(asyncio.run(_make(name, float(seconds), target))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
