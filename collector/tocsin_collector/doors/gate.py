"""The ASGI callable before the application: who asks, and whether that caller may.

A small request of events whose body is there goes through the same doors without a task (``at_once``).

In the order of what it costs: ``rate_limit``, the key or password, the scope of the route, the quota of the key's
project. All of it before the body is read. Nothing here looks at what the collector has: a project that is not the
caller's reads the same as one that is not there.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin_collector.audit import Entry, Writer
from tocsin_collector.doors.bodies import Bodies
from tocsin_collector.doors.caller import ADMIN, ANYONE, PLACE, Caller, caller_of
from tocsin_collector.doors.counts import Counts
from tocsin_collector.doors.headers import headed, known_headers
from tocsin_collector.doors.keys import PREFIX, Keyring, masked
from tocsin_collector.doors.quota import PLACE as HELD
from tocsin_collector.doors.quota import Hold, Quotas
from tocsin_collector.doors.routes import ALL, EVENTS, OF_PATH, Need, need
from tocsin_collector.ingest.answer import JSON, Refusal, Reply
from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_schema.web.protection import Protection
from tocsin_schema.web.users import Users, credentials

MAX_CHECKS = 4
"""Passwords checked at once: one takes a thread 50 ms and more."""
_log = logging.getLogger(__name__)
_HOW = (
    "a right key or password is needed: Authorization: Bearer tsn_..., or in a browser the key as password under any "
    "name; `tocsin keys make` makes one"
)


class Denied(Exception):  # noqa: N818 - what a client gets to read
    """A request goes no further."""

    def __init__(self, status: int, code: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.headers = headers

    def to_json(self, path: str) -> bytes:
        """The body of the answer, one line, in the form of the route's own answers."""
        if path == EVENTS:
            return Refusal(self.status, self.code, str(self)).answer().to_json() + b"\n"
        return json.dumps({"error": {"code": self.code, "reason": str(self)}}).encode() + b"\n"


class Gate:
    """Let a request through to ``app``, with its Caller in the scope, or answer it."""

    def __init__(
        self,
        app: ASGIApp,
        protection: Protection | None,
        keyring: Keyring,
        quotas: Quotas,
        counts: Counts,
        audit: Writer,
        events: Endpoint,
    ) -> None:
        self._app = app
        self._events = events
        self._quotas = quotas
        self._protection = protection
        self._keyring = keyring
        self._counts = counts
        self._audit = audit
        self._checking = 0
        self._bodies = Bodies()

    @property
    def open(self) -> bool:
        """Whether whoever reaches the socket may do everything."""
        return not (self._keyring.asked or (self._protection and (self._protection.users or self._verifies)))

    @property
    def _verifies(self) -> bool:
        context = self._protection.context if self._protection else None
        return context is not None and context.verify_mode == ssl.CERT_REQUIRED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan of the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = headed(send, self._protection.headers if self._protection else {})
        try:
            wanted = await self._admit(scope)
            hold = self._begin(wanted, caller_of(scope).project)
        except (Denied, Refusal) as no:
            await self._no(no, scope["path"]).give(told)
            return
        if wanted.audit:
            told = self._audited(told, scope, wanted)
        scope[HELD] = hold
        try:
            taken = await self._bodies.through(self._app_of(scope), scope, receive, told)
        finally:
            hold.settle()
        if not taken:
            busy = Denied(503, "busy", "too much is sent at once; send it again", retry_after="1")
            await self._no(busy, scope["path"]).give(told)

    def at_once(self, headers: dict[bytes, bytes], query: bytes, body: bytes, tell: Callable[[Reply], None]) -> bool:
        """Take a ``POST`` of events that is there as a whole, and ``tell`` what becomes of it, now or later. False when
        it has to go the way of all others: something in it needs a thread, or there is no room."""
        form = self._events.form_at_once(headers, len(body))
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        token = _token(authorization)
        if form is None or (token is None and self._users) or not self._bodies.keep(len(body)):
            return False
        hold = Hold()

        def told(reply: Reply) -> None:
            self._bodies.held -= len(body)
            hold.settle()
            more = tuple(self._protection.headers.items()) if self._protection else ()
            tell(Reply(reply.status, known_headers(reply.headers, more), reply.body))

        try:
            wanted, caller = self._wanted("POST", EVENTS, headers), self._caller(token)
            _check(caller, wanted)
            hold = self._begin(wanted, caller.project)
            hold.size_bytes = len(body)
        except (Denied, Refusal) as no:
            told(self._no(no, EVENTS))
            return True
        try:
            self._events.at_once(form, headers, query, body, caller, hold, told)
        except Exception:
            _log.exception("events_failed")
            told(Reply(500, ((b"content-type", b"text/plain; charset=utf-8"),), b"Internal Server Error"))
        return True

    def _app_of(self, scope: Scope) -> ASGIApp:
        """Events go past all that the application does for its other routes: its layers, and the search for the route,
        cost as much as the HTTP of a small request (docs/decisions/0081-small-requests-together.md)."""
        return self._events if scope["path"] == EVENTS and scope["method"] == "POST" else self._app

    def _begin(self, wanted: Need, project: str | None) -> Hold:
        if wanted.metered and project is not None:
            return self._quotas.begin(project)
        return Hold()

    def _no(self, no: Denied | Refusal, path: str) -> Reply:
        """What a client is told of a request that goes no further."""
        if isinstance(no, Refusal):
            return _reply(no.status, no.answer().to_json(), {"retry_after": str(no.retry_after_s)})
        self._counts.denied[no.code] += 1
        return _reply(no.status, no.to_json(path), no.headers)

    async def _admit(self, scope: Scope) -> Need:
        headers = dict(scope["headers"])
        wanted = self._wanted(scope["method"], scope["path"], headers)
        if wanted.scopes:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            token, user = _token(authorization), None
            if token is None and self._users and await self._right(self._users, authorization):
                user = Caller("user " + _user(authorization), frozenset({ADMIN}))
            scope[PLACE] = self._caller(token, user)
            _check(scope[PLACE], wanted)
        return wanted

    def _wanted(self, method: str, path: str, headers: dict[bytes, bytes]) -> Need:
        """What a request needs that may be made at all. Raises Denied."""
        protection = self._protection
        if protection:
            protection.refresh()
            if not protection.allows():
                raise Denied(429, "rate_limited", "more requests than rate_limit of web.yml allows", retry_after="1")
        _check_origin(method, headers)
        return need(method, path)

    @property
    def _users(self) -> Users | None:
        return self._protection.users if self._protection else None

    def _caller(self, token: str | None, user: Caller | None = None) -> Caller:
        """Who has a key, or else has given a user's password. Raises Denied."""
        found = user if token is None else self._keyring.caller(token)
        if found is None and not self._users and not self._keyring.asked:
            return ANYONE
        if found is None:
            raise Denied(401, "unauthorized", _HOW, www_authenticate='Basic realm="tocsin"')
        return found

    async def _right(self, users: Users, authorization: str) -> bool:
        verdict = users.known(authorization)
        if verdict is not None:
            return verdict
        if self._checking >= MAX_CHECKS:
            raise Denied(503, "busy", "too many passwords to check at once", retry_after="1")
        self._checking += 1
        try:
            return await asyncio.to_thread(users.check, authorization)
        finally:
            self._checking -= 1

    def _audited(self, send: Send, scope: Scope, wanted: Need) -> Send:
        """``send`` that lets nothing out before what was asked is on record."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                query = scope["query_string"].decode("latin-1")
                what = masked(f"{scope['method']} {scope['path']}" + (f"?{query}" if query else ""))
                address = scope["client"][0] if scope.get("client") else ""
                outcome = str(message["status"])
                await self._audit.note(Entry(caller_of(scope).name, address, wanted.audit, what, outcome))
            await send(message)

        return told


def _check_origin(method: str, headers: dict[bytes, bytes]) -> None:
    """A page of another site can have a browser send what it likes, with the password that the browser remembers."""
    origin = headers.get(b"origin", b"")
    if method not in ("GET", "HEAD") and origin and origin.partition(b"://")[2] != headers.get(b"host", b""):
        raise Denied(403, "origin", "a page of another site asks for this")


def _token(authorization: str) -> str | None:
    """The key in an Authorization header; in a browser it is the password, under any name."""
    if not authorization:
        return None
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    given = credentials(authorization)
    password = given[1].decode("latin-1") if given else ""
    return password if password.startswith(PREFIX) else None


def _user(authorization: str) -> str:
    given = credentials(authorization)
    return given[0].decode("utf-8", "replace") if given else ""


def _check(caller: Caller, wanted: Need) -> None:
    if not any(map(caller.may, wanted.scopes)):
        raise Denied(403, "scope", f"{caller.name} has not the scope {' or '.join(wanted.scopes)}, which this needs")
    if wanted.whose == ALL and caller.project is not None:
        raise Denied(403, "project", f"{caller.name} is for one project, and this tells of all")
    if wanted.whose == OF_PATH and not caller.reaches(wanted.project):
        raise Denied(403, "project", f"{caller.name} is for another project")


def _reply(status: int, body: bytes, more: Mapping[str, str]) -> Reply:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return Reply(status, (JSON, *named), body)
