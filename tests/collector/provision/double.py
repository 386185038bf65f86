"""A double of Grafana's and Prometheus' HTTP APIs for faults that a real server cannot be made to show on demand.

It keeps what it is given, so that what is half done can be looked at; a fault stands in for the answer to one request.
"""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Fault:
    """What happens to requests that match: a status with a body, or no answer (``hang``, ``close``, ``half``)."""

    method: str
    path: str
    status: int = 0
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = ""
    times: int = 1_000
    after: bool = False
    """The request is done first, and its answer is lost."""


@dataclass
class State:
    """Everything that the double holds."""

    sources: dict[str, Any] = field(default_factory=dict)
    folders: dict[str, Any] = field(default_factory=dict)
    boards: dict[str, Any] = field(default_factory=dict)
    contacts: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=lambda: {"receiver": "mail", "routes": [{"receiver": "other"}]})
    health: dict[str, Any] = field(default_factory=lambda: {"database": "ok", "version": "10.1.0"})
    jobs: dict[str, str] = field(default_factory=dict)
    loaded: list[Any] = field(default_factory=list)
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.seen if method != "GET"]


Answered = tuple[int, object]


def answer(state: State, method: str, path: str, body: Any) -> Answered:
    """The double's own answer."""
    plain = path.split("?", 1)[0]
    for pattern, handle in _ROUTES:
        if found := re.fullmatch(pattern, plain):
            return handle(state, method, body, *found.groups())
    return 404, {"message": f"Not found: {plain}"}


def _health(state, method, body):
    return 200, state.health


def _keyed(name):
    def handle(state, method, body, uid=None):
        kept = getattr(state, name)
        if uid is None and method == "GET":
            return 200, list(kept.values())
        if method == "POST":
            if body["uid"] in kept:
                return 409, {"message": "exists"}
            kept[body["uid"]] = {"version": 1, **body}
            kept[body["uid"]].pop("secureJsonData", None)
            return 200, {}
        if uid not in kept:
            return 404, {"message": "not found"}
        if method == "DELETE":
            del kept[uid]
        elif method == "PUT":
            kept[uid] = {**kept[uid], **body, "version": kept[uid]["version"] + 1}
            kept[uid].pop("secureJsonData", None)
        return 200, kept.get(uid, {})

    return handle


def _save_board(state, method, body):
    board, folder = body["dashboard"], body["folderUid"]
    there = state.boards.get(board["uid"])
    if there and there["dashboard"]["version"] != board["version"]:
        return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
    version = board["version"] + 1
    meta = {"folderUid": folder, "provisioned": False}
    state.boards[board["uid"]] = {
        "dashboard": {**board, "id": 7, "version": version},
        "meta": meta,
        "message": body["message"],
    }
    return 200, {"uid": board["uid"], "version": version}


def _board(state, method, body, uid):
    if uid not in state.boards:
        return 404, {"message": "Dashboard not found"}
    if method == "DELETE":
        return 200, state.boards.pop(uid)
    return 200, state.boards[uid]


def _versions(state, method, body, uid):
    board = state.boards[uid]
    return 200, [{"version": board["dashboard"]["version"], "message": board.get("message", "")}]


def _search(state, method, body):
    return 200, [
        {"uid": uid, "title": each["dashboard"]["title"], "folderUid": each["meta"]["folderUid"]}
        for uid, each in state.boards.items()
    ]


def _group(state, method, body, name):
    rules = [rule for rule in state.rules.values() if rule["ruleGroup"] == name]
    if not rules:
        return 404, {"message": "not found"}
    if method == "PUT":
        state.groups[name] = body["interval"]
    return 200, {"title": name, "folderUid": "tocsin", "interval": state.groups.get(name, 60), "rules": rules}


def _policies(state, method, body):
    if method == "PUT":
        state.policies = body
        return 202, {"message": "policies updated"}
    return 200, state.policies


def _status(state, method, body):
    told = {"reloadConfigSuccess": True, "lastConfigTime": "2100-01-01T00:00:00Z"}
    return 200, {"status": "success", "data": told}


def _config(state, method, body):
    jobs = "".join(f"- job_name: {name}\n  scrape_interval: {each}\n" for name, each in state.jobs.items())
    text = f"global:\n  scrape_interval: 15s\n  evaluation_interval: 1s\nscrape_configs:\n{jobs}"
    return 200, {"status": "success", "data": {"yaml": text}}


def _rules(state, method, body):
    return 200, {"status": "success", "data": {"groups": state.loaded}}


def _reload(state, method, body):
    return 200, ""


_ROUTES = (
    (r"/api/v1/status/runtimeinfo", _status),
    (r"/api/v1/status/config", _config),
    (r"/api/v1/rules", _rules),
    (r"/api/v1/format_query", _reload),
    (r"/-/reload", _reload),
    (r"/api/health", _health),
    (r"/api/datasources(?:/uid/([^/]+))?", _keyed("sources")),
    (r"/api/folders(?:/([^/]+))?", _keyed("folders")),
    (r"/api/dashboards/db", _save_board),
    (r"/api/dashboards/uid/([^/]+)", _board),
    (r"/api/dashboards/uid/([^/]+)/versions", _versions),
    (r"/api/search", _search),
    (r"/api/v1/provisioning/contact-points(?:/([^/]+))?", _keyed("contacts")),
    (r"/api/v1/provisioning/alert-rules(?:/([^/]+))?", _keyed("rules")),
    (r"/api/v1/provisioning/folder/tocsin/rule-groups/([^/]+)", _group),
    (r"/api/v1/provisioning/policies", _policies),
)


class _Handler(BaseHTTPRequestHandler):
    state: State
    released: threading.Event

    def do_GET(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw) if raw else None
        self.state.seen.append((self.command, self.path))
        self.state.headers.append(dict(self.headers))
        fault = self._fault()
        if fault is None:
            self._send(*answer(self.state, self.command, self.path, body))
            return
        if fault.after:
            answer(self.state, self.command, self.path, body)
        if fault.how == "hang":
            self.released.wait(20)
        elif fault.how == "half":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b'{"half":')
            self.close_connection = True
        elif fault.how != "close":
            self._send(fault.status, fault.body, fault.headers)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the base class names them

    def _fault(self):
        for fault in self.state.faults:
            if fault.times > 0 and fault.method == self.command and re.search(fault.path, self.path):
                fault.times -= 1
                return fault
        return None

    def _send(self, status, body, headers=None):
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def double(context=None) -> Iterator[tuple[State, str]]:
    """A double that serves, and its address; with an SSL context by TLS."""
    state = State()
    released = threading.Event()
    handler = type("Handler", (_Handler,), {"state": state, "released": released})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that goes away is part of the game
    scheme = "http"
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state, f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()
