"""A stand-in for Twilio that speaks its Messages API, for tests and drills: in this process, or as one of its own with
`python -m drills.providers.twilio < settings.json` (the fields of `TwilioSettings`).

It checks credentials and messages as Twilio does, keeps what it has taken in a queue with a rate for each sender, gives up what
has waited longer than its `ValidityPeriod`, reports with signed callbacks that come several times and in any order, hands over
inbound messages and takes the answer to them, and keeps people who wrote STOP. `troubles` makes it fail as a real one does at
times. With a `log`, what it took survives a kill: a message is written down before its answer leaves.
"""

import asyncio
import json
import os
import random
import time
from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx

from drills.providers.http_server import HttpServer, Request, Response
from drills.providers.twilio_callbacks import Callback, Callbacks
from drills.providers.twilio_rules import Refused, check_message, segments

ACCOUNT_SID = "AC" + "0a" * 16
SERVICE_SID = "MG" + "0b" * 16
NUMBER = "+15005550006"
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
UNSUBSCRIBED = "You have successfully been unsubscribed. Reply START to resubscribe."
LONGEST_IN_QUEUE = 36_000.0
MOST_LISTED = 50


class Trouble(StrEnum):
    """How a request for a new message can go wrong. `before` and `after` say whether the message was taken."""

    TOO_MANY_REQUESTS = "too_many_requests"
    FAILS = "fails"
    BREAKS_BEFORE = "breaks_before"
    BREAKS_AFTER = "breaks_after"
    SILENT_BEFORE = "silent_before"
    SILENT_AFTER = "silent_after"


@dataclass
class TwilioSettings:
    """`rate` is the number of segments a second of each sender; without it, everything is sent at once. `repeats` is the most
    times that a status callback comes. `troubles` are the shares of requests that go wrong, such as `{"fails": 0.1}`."""

    auth_token: str
    account_sid: str = ACCOUNT_SID
    numbers: list[str] = field(default_factory=lambda: [NUMBER])
    services: list[str] = field(default_factory=lambda: [SERVICE_SID])
    api_keys: dict[str, str] = field(default_factory=dict)
    rate: float | None = None
    repeats: int = 1
    troubles: dict[str, float] = field(default_factory=dict)
    webhook: str | None = None
    log: str | None = None
    seed: int = 0
    port: int = 0


@dataclass
class Taken:
    """A message that Twilio has. `taken_at` and `late_after` are in seconds since 1970; after the latter, it is not sent."""

    sid: str
    to: str
    sender: str
    service: str | None
    body: str
    segments: int
    status_callback: str | None
    taken_at: float
    late_after: float
    status: str = "queued"
    error_code: int | None = None


class TwilioStandIn:
    """`refusals` has the error codes with which messages to a number are refused at once, and `outcomes` those with which they
    are not delivered later. `answers` are the texts that inbound messages were answered with, by the number that wrote."""

    def __init__(self, settings: TwilioSettings, client: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self.taken: dict[str, Taken] = {}
        self.opted_out: set[str] = set()
        self.refusals: dict[str, int] = {}
        self.outcomes: dict[str, int] = {}
        self.answers: dict[str, list[str]] = defaultdict(list)
        self.requests: list[dict[str, str]] = []
        self._choice = random.Random(settings.seed)
        self.callbacks = Callbacks(settings.auth_token, self._choice, settings.repeats, client)
        self._server = HttpServer(self._answer)
        self._queues: dict[str, asyncio.Queue[Taken]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._hang = asyncio.Event()

    async def start(self) -> str:
        """Returns the base address of the API."""
        if not self.taken:
            self._read_log()
        self.settings.port = await self._server.start(port=self.settings.port)
        return f"http://127.0.0.1:{self.settings.port}"

    async def stop(self) -> None:
        """Stops to listen. What it has taken stays, and it can be started again at the same port."""
        await self._server.stop()

    async def close(self) -> None:
        self._hang.set()
        await self._server.stop()
        for task in self._senders:
            task.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        await self.callbacks.close()

    async def finish(self) -> None:
        """Waits until everything in the queues has been sent and reported."""
        await asyncio.gather(*(queue.join() for queue in self._queues.values()))
        await self.callbacks.finish()

    async def write(self, sender: str, body: str, to: str = NUMBER, **more: str) -> str | None:
        """Somebody writes to one of our numbers. Returns the text with which we answer, or None.

        Twilio itself answers STOP, and does not send to people who wrote it, not even our answer.
        """
        word = body.strip().upper()
        stops = word in STOP
        if stops or word in START:
            (self.opted_out.add if stops else self.opted_out.discard)(sender)
            self._write_log({"opted_out" if stops else "opted_in": sender})
        form = {
            "MessageSid": _sid("SM"),
            "AccountSid": self.settings.account_sid,
            "From": sender,
            "To": to,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": str(segments(body)),
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
            **more,
        }
        return await self.hand_over(form | {"SmsSid": form["MessageSid"], "SmsMessageSid": form["MessageSid"]})

    async def hand_over(self, form: Mapping[str, str]) -> str | None:
        """Makes the request of an inbound message, once more if it was made before."""
        if self.settings.webhook is None:
            return None
        response = await self.callbacks.post(Callback(self.settings.webhook, form))
        response.raise_for_status()
        message = ElementTree.fromstring(response.text).find("Message")  # noqa: S314 - it is our own answer
        answer = message.text if message is not None else None
        if answer and form["From"] not in self.opted_out:
            self.answers[form["From"]].append(answer)
        return answer

    # The API

    async def _answer(self, request: Request) -> Response | None:
        try:
            if request.path.startswith("/stand-in/"):
                return await self._control(request)
            self._check_credentials(request)
            return await self._route(request)
        except Refused as refused:
            headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after is not None else {}
            more = f"https://www.twilio.com/docs/errors/{refused.code}"
            body = {"code": refused.code, "message": refused.message, "more_info": more, "status": refused.status}
            return _json(refused.status, body, headers)

    def _check_credentials(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        user, _, password = b64decode(given if scheme == "Basic" else "").decode().partition(":")
        known = {self.settings.account_sid: self.settings.auth_token, **self.settings.api_keys}
        if not password or known.get(user) != password:
            raise Refused(401, 20003, "Authenticate")

    async def _route(self, request: Request) -> Response | None:
        account = f"/2010-04-01/Accounts/{self.settings.account_sid}"
        match request.method, request.path.removeprefix(account).removeprefix("/v1/Services/"):
            case "GET", ".json":
                return _json(200, {"sid": self.settings.account_sid, "status": "active"})
            case "GET", "/IncomingPhoneNumbers.json":
                found = [each for each in self.settings.numbers if each == request.query.get("PhoneNumber")]
                url = self.settings.webhook or ""
                return _json(200, {"incoming_phone_numbers": [{"phone_number": each, "sms_url": url} for each in found]})
            case "GET", "/Messages.json":
                return _json(200, {"messages": self._listed(request.query)})
            case "POST", "/Messages.json":
                return await self._create(request.form)
            case "GET", sid if sid in self.settings.services:
                return _json(200, {"sid": sid, "inbound_request_url": self.settings.webhook})
        raise Refused(404, 20404, f"The requested resource {request.path} was not found")

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The newest first."""
        found = [each for each in reversed(self.taken.values()) if each.to == query.get("To", each.to)]
        return [self._shown(each) for each in found[: int(query.get("PageSize", MOST_LISTED))]]

    async def _create(self, form: dict[str, str]) -> Response | None:
        self.requests.append(form)
        trouble = self._trouble()
        if trouble == Trouble.TOO_MANY_REQUESTS:
            raise Refused(429, 20429, "Too Many Requests", retry_after=1)
        if trouble == Trouble.FAILS:
            raise Refused(500, 20500, "An internal server error has occurred")
        if trouble in {Trouble.BREAKS_BEFORE, Trouble.SILENT_BEFORE}:
            return await self._no_answer(trouble)
        check_message(form, frozenset(self.settings.numbers), frozenset(self.settings.services), self.opted_out)
        if form["To"] in self.refusals:
            raise Refused(400, self.refusals[form["To"]], f"Refused: {form['To']}")
        message = self._take(form)
        if trouble in {Trouble.BREAKS_AFTER, Trouble.SILENT_AFTER}:
            return await self._no_answer(trouble)
        return _json(201, self._shown(message))

    def _trouble(self) -> Trouble | None:
        drawn = self._choice.random()
        for name, share in self.settings.troubles.items():
            drawn -= share
            if drawn < 0:
                return Trouble(name)
        return None

    async def _no_answer(self, trouble: Trouble) -> Response | None:
        if trouble in {Trouble.SILENT_BEFORE, Trouble.SILENT_AFTER}:
            await self._hang.wait()
        return None

    def _take(self, form: Mapping[str, str]) -> Taken:
        service, taken_at = form.get("MessagingServiceSid"), time.time()
        message = Taken(
            _sid("SM"),
            form["To"],
            form.get("From") or self.settings.numbers[0],
            service,
            form["Body"],
            segments(form["Body"]),
            form.get("StatusCallback"),
            taken_at,
            taken_at + float(form.get("ValidityPeriod", LONGEST_IN_QUEUE)),
            "accepted" if service else "queued",
        )
        self._write_log({"taken": asdict(message)})
        self.taken[message.sid] = message
        self._queue(message)
        return message

    def _shown(self, message: Taken) -> dict[str, Any]:
        """With a Messaging Service, Twilio does not know the segments before it has chosen a sender."""
        known = message.status != "accepted"
        return {
            "sid": message.sid,
            "account_sid": self.settings.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "direction": "outbound-api",
            "error_code": message.error_code,
            "error_message": None,
            "from": message.sender if known else None,
            "messaging_service_sid": message.service,
            "num_media": "0",
            "num_segments": str(message.segments if known else 0),
            "price": None,
            "status": message.status,
            "to": message.to,
            "uri": f"/2010-04-01/Accounts/{self.settings.account_sid}/Messages/{message.sid}.json",
        }

    # The queue

    def _queue(self, message: Taken) -> None:
        if message.sender not in self._queues:
            self._queues[message.sender] = asyncio.Queue()
            self._senders.add(asyncio.create_task(self._send_all(self._queues[message.sender])))
        self._queues[message.sender].put_nowait(message)

    async def _send_all(self, queue: asyncio.Queue[Taken]) -> None:
        while True:
            message = await queue.get()
            statuses = self._send(message)
            self._write_log({"status": [message.sid, message.status, message.error_code]})
            if message.status_callback:
                address = message.status_callback
                self.callbacks.report([Callback(address, self._status_form(message, each)) for each in statuses])
            if self.settings.rate is not None:
                await asyncio.sleep(message.segments / self.settings.rate)
            queue.task_done()

    def _send(self, message: Taken) -> list[str]:
        """Returns the statuses that are reported, in their real order."""
        first = ["queued"] if message.service else []
        if time.time() > message.late_after:
            message.status, message.error_code = "failed", 30036
            return [*first, "failed"]
        message.error_code = self.outcomes.get(message.to)
        message.status = "undelivered" if message.error_code else "delivered"
        return [*first, "sent", message.status]

    def _status_form(self, message: Taken, status: str) -> dict[str, str]:
        form = {
            "AccountSid": self.settings.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "To": message.to,
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
        }
        if message.service:
            form["MessagingServiceSid"] = message.service
        if status in {"failed", "undelivered"} and message.error_code:
            form["ErrorCode"] = str(message.error_code)
        return form

    # What survives a kill

    def _write_log(self, entry: dict[str, Any]) -> None:
        if self.settings.log is None:
            return
        with Path(self.settings.log).open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read_log(self) -> None:
        """Takes up what an earlier process has left in its queues. A line that was cut off by a kill was never answered."""
        path = Path(self.settings.log) if self.settings.log else None
        text = path.read_text() if path and path.exists() else ""
        if path and text and not text.endswith("\n"):
            path.write_text(text + "\n")
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            match entry:
                case {"taken": message}:
                    self.taken[message["sid"]] = Taken(**message)
                case {"status": [sid, status, error_code]}:
                    self.taken[sid].status, self.taken[sid].error_code = status, error_code
                case {"opted_out": number}:
                    self.opted_out.add(number)
                case {"opted_in": number}:
                    self.opted_out.discard(number)
        for message in self.taken.values():
            if message.status in {"queued", "accepted"}:
                self._queue(message)

    # What a drill says to a process of its own

    async def _control(self, request: Request) -> Response:
        match request.path.removeprefix("/stand-in/"):
            case "messages":
                return _json(200, [asdict(each) for each in self.taken.values()])
            case "troubles":
                self.settings.troubles = json.loads(request.body)
            case "outcomes":
                self.outcomes = json.loads(request.body)
            case "webhook":
                self.settings.webhook = json.loads(request.body)
            case "write":
                return _json(200, {"answer": await self.write(**json.loads(request.body))})
            case "finish":
                await self.finish()
            case _:
                return _json(404, {})
        return _json(200, {})


def _sid(prefix: str) -> str:
    return prefix + uuid4().hex


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
