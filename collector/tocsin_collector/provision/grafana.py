"""Grafana's HTTP API: what is there, and the writes.

Nothing is overwritten: a board goes with the version that was read, so that what somebody saved in between is not lost
(412), and so that a board of the same title is not replaced.

Seen on the real server (10.1): ``PUT`` of a rule group with new rules fails, and with none deletes nothing: rules are
written one by one. A policy tree that is put without ``X-Disable-Provenance`` is locked in Grafana's pages for
everybody: it goes back as it came.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote

from tocsin_collector import oldest
from tocsin_collector.alarms.text import one_line
from tocsin_collector.provision import managed, sources
from tocsin_collector.provision.boards import KIND as BOARD
from tocsin_collector.provision.client import Client
from tocsin_collector.provision.desired import FOLDER_KIND
from tocsin_collector.provision.difference import CHANGE, CREATE, DELETE, Found, Item, Step, differing
from tocsin_collector.provision.fault import ProvisionError, RefusedError
from tocsin_collector.provision.stamp import Json, board_stamp, digest, stamped, unstamped
from tocsin_dashboards.builder import SCHEMA_VERSION

FOLDER = managed.FOLDER
_ALERTING = "/api/v1/provisioning"
_EDITABLE = {"X-Disable-Provenance": "true"}
_FILE = "it is provisioned from a file of that server: change it there (tocsin provision export)"
_NOT_OFFERED = (403, 404)


class Grafana:
    """One Grafana: ``present`` reads, ``write`` does one step."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.version = ""
        self.url = client.login.url

    @property
    def writes(self) -> int:
        """Requests that may have changed something."""
        return self._client.writes

    def greet(self) -> None:
        """Raise ProvisionError when this is no Grafana, one that is too old, or one that refuses the credentials."""
        said = self._client.find("/api/health", "say how it is")
        if not isinstance(said, dict) or "database" not in said:
            raise ProvisionError(
                f"what answers at {self.url} is no Grafana: check grafana.url, with the path below which it is served"
            )
        self.version = str(said.get("version", ""))
        numbers = re.match(r"(\d+)\.(\d+)", self.version)
        if numbers and (int(numbers[1]), int(numbers[2])) < oldest.GRAFANA:
            needed = ".".join(map(str, oldest.GRAFANA))
            raise ProvisionError(
                f"Grafana at {self.url} is version {one_line(self.version)}: {needed} or later is needed"
            )

    def present(self, desired: Sequence[Item]) -> list[Found]:
        """What is there of ours and in our places, in the order in which it is made."""
        found = [*self._sources(), *self._folder(), *self._boards(desired)]
        alerting = any(item.kind == managed.RULE for item in desired)
        return found + self._alerting(desired, needed=alerting)

    def write(self, step: Step) -> None:
        """Do one step: create, change or delete."""
        self._writers[step.kind](self, step)

    # --- data sources -------------------------------------------------------------------------------------------------

    def _sources(self) -> list[Found]:
        listed = self._client.ask("GET", "/api/datasources", "list its data sources").body
        own = {sources.PROMETHEUS, sources.ELASTICSEARCH}
        names = {"tocsin Prometheus": sources.PROMETHEUS, "tocsin Elasticsearch": sources.ELASTICSEARCH}
        found = []
        for each in _objects(listed, self.url):
            uid, name = str(each.get("uid")), str(each.get("name"))
            if uid in own:
                # The list leaves the user of the basic authentication out.
                whole = self._client.ask("GET", f"/api/datasources/uid/{uid}", f"show the data source {uid}").body
                ours = (each.get("jsonData") or {}).get("managedBy") == sources.MANAGED
                locked = _FILE if each.get("readOnly") else ""
                found.append(Found(sources.KIND, uid, ours, whole, name, locked=locked))
            elif name in names:
                # Grafana takes no second of the same name.
                locked = f'a data source of somebody else ({uid}) has the name "{name}": rename it'
                found.append(Found(sources.KIND, names[name], owned=False, title=name, locked=locked))
        return found

    def _write_source(self, step: Step) -> None:
        path = f"/api/datasources/uid/{quote(step.key)}"
        if step.action == DELETE:
            self._do("DELETE", path, step)
            return
        body = {**_item(step).body, "secureJsonData": _item(step).secret}
        if step.found is None:
            self._do("POST", "/api/datasources", step, body)
        else:
            self._do("PUT", path, step, {**body, "version": step.found.body.get("version")})

    # --- folder and boards --------------------------------------------------------------------------------------------

    def _folder(self) -> list[Found]:
        folder = self._client.find(f"/api/folders/{FOLDER}", "show the folder tocsin")
        return [Found(FOLDER_KIND, FOLDER, owned=True, body=folder)] if folder else []

    def _write_folder(self, step: Step) -> None:
        body = {"uid": FOLDER, **_item(step).body}
        if step.found is None:
            self._do("POST", "/api/folders", step, body)
        else:
            self._do("PUT", f"/api/folders/{FOLDER}", step, {**body, "version": step.found.body.get("version")})

    def _boards(self, desired: Sequence[Item]) -> list[Found]:
        """Ours by their tag, those that have a uid that we want, and everybody's in our folder."""
        query = "/api/search?type=dash-db&limit=5000&"
        what = "list its boards"
        tagged = _objects(self._client.ask("GET", query + "tag=tocsin", what).body, self.url)
        inside = _objects(self._client.ask("GET", query + f"folderUIDs={FOLDER}", what).body, self.url)
        titles = {str(item.body.get("title")): item.key for item in desired if item.kind == BOARD}
        uids = [item.key for item in desired if item.kind == BOARD]
        uids += [str(each["uid"]) for each in tagged if str(each["uid"]).startswith("tocsin-")]
        found = [board for uid in dict.fromkeys(uids) if (board := self._board(uid)) is not None]
        known = {board.key for board in found}
        for each in inside:
            uid, title = str(each["uid"]), str(each["title"])
            if each.get("folderUid") != FOLDER or uid in known:
                continue  # an older Grafana does not know the parameter and lists all
            found.append(Found(BOARD, uid, owned=False, title=title))
            if title in titles and titles[title] not in known:
                locked = (
                    f'a board of somebody else ({uid}) has the title "{title}" in the folder tocsin: rename or move it'
                )
                found.append(Found(BOARD, titles[title], owned=False, title=title, locked=locked))
        return found

    def _board(self, uid: str) -> Found | None:
        answer = self._client.find(f"/api/dashboards/uid/{quote(uid, safe='')}", f"show the board {uid}")
        if answer is None:
            return None
        board, meta = _object(answer, "dashboard", self.url), answer.get("meta") or {}
        stamp = board_stamp(board)
        title = str(board.get("title", ""))
        locked = _FILE if meta.get("provisioned") else ""
        if stamp is None:
            return Found(BOARD, uid, owned=False, title=title)
        now = digest(unstamped(board))
        if now != stamp and stamp and board.get("schemaVersion") != SCHEMA_VERSION and self._untouched(uid, stamp):
            now = stamp
        if meta.get("folderUid", FOLDER) != FOLDER:
            now = "moved"
        return Found(BOARD, uid, True, None, title, now, stamp, locked, handle=board)

    def _untouched(self, uid: str, stamp: str) -> bool:
        """Whether the last that was saved is what we saved: a newer Grafana brings a board to its own schema."""
        path = f"/api/dashboards/uid/{quote(uid, safe='')}/versions?limit=1"
        listed = self._client.find(path, f"show the versions of the board {uid}")
        listed = listed.get("versions") if isinstance(listed, dict) else listed
        newest = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
        return newest.get("message") == _message(stamp) or newest.get("version") == 1

    def _write_board(self, step: Step) -> None:
        if step.action == DELETE:
            self._do("DELETE", f"/api/dashboards/uid/{quote(step.key)}", step)
            return
        board = {**stamped(_item(step).body), "version": 0}
        if step.found is not None:
            board |= {name: step.found.handle[name] for name in ("id", "version") if name in step.found.handle}
        message = _message(digest(unstamped(board)))
        self._do("POST", "/api/dashboards/db", step, {"dashboard": board, "folderUid": FOLDER, "message": message})

    # --- alerting -----------------------------------------------------------------------------------------------------

    def _alerting(self, desired: Sequence[Item], *, needed: bool) -> list[Found]:
        try:
            return [*self._contact(), *self._rules(desired), *self._groups(desired), *self._route()]
        except RefusedError as error:
            if error.status in _NOT_OFFERED and not needed:
                return []  # alerting is off, or the account may not see it: nothing of ours is wanted there
            raise

    def _contact(self) -> list[Found]:
        listed = self._client.ask("GET", f"{_ALERTING}/contact-points", "list its contact points").body
        found = []
        for each in _objects(listed, self.url):
            if each.get("uid") == managed.NAME or each.get("name") == managed.NAME:
                ours = each.get("uid") == managed.NAME and each.get("name") == managed.NAME
                locked = _provenance(each)
                found.append(Found(managed.CONTACT, managed.NAME, ours, each, str(each.get("name")), locked=locked))
        return found[:1] if all(each.owned for each in found) else [each for each in found if not each.owned][:1]

    def _write_contact(self, step: Step) -> None:
        path = f"{_ALERTING}/contact-points"
        if step.action == CREATE:
            self._do("POST", path, step, _item(step).body)
        else:
            self._do(_method(step), f"{path}/{managed.NAME}", step, step.item and step.item.body)

    def _rules(self, desired: Sequence[Item]) -> list[Found]:
        listed = self._client.ask("GET", f"{_ALERTING}/alert-rules", "list its alert rules").body
        wanted = {item.key: item for item in desired if item.kind == managed.RULE}
        titles = {str(item.body["title"]): uid for uid, item in wanted.items()}
        rules = {str(each.get("uid")): each for each in _objects(listed, self.url)}
        found = []
        for uid, rule in rules.items():
            title, inside = str(rule.get("title")), rule.get("folderUID") == FOLDER
            ours = uid.startswith("tocsin-") and (rule.get("labels") or {}).get(managed.LABEL) == managed.NAME
            if ours or uid in wanted:
                found.append(Found(managed.RULE, uid, ours, rule, title, locked=self._rule_lock(uid, rule, wanted)))
            elif inside:
                found.append(Found(managed.RULE, uid, owned=False, title=title))
                if title in titles and titles[title] not in rules:
                    locked = f'a rule of somebody else ({uid}) has the title "{title}" in the folder tocsin: rename it'
                    found.append(Found(managed.RULE, titles[title], owned=False, title=title, locked=locked))
        return found

    def _rule_lock(self, uid: str, rule: Json, wanted: dict[str, Item]) -> str:
        if uid in wanted and not differing(wanted[uid].body, rule):
            return ""  # it will not be written; the list of this Grafana may lack whose it is
        alone = self._client.find(f"{_ALERTING}/alert-rules/{quote(uid, safe='')}", f"show the alert rule {uid}")
        return _provenance(alone or rule)

    def _write_rule(self, step: Step) -> None:
        path = f"{_ALERTING}/alert-rules"
        if step.action == CREATE:
            self._do("POST", path, step, _item(step).body)
        else:
            self._do(_method(step), f"{path}/{quote(step.key)}", step, step.item and step.item.body)

    def _groups(self, desired: Sequence[Item]) -> list[Found]:
        found = []
        for item in desired:
            if item.kind == managed.GROUP:
                group = self._client.find(_group_path(item.key), f"show the rule group {item.key}")
                if group and group.get("rules"):
                    found.append(Found(managed.GROUP, item.key, True, group))
        return found

    def _write_group(self, step: Step) -> None:
        # Its rules are there by now: they came one by one before it.
        group = self._client.ask("GET", _group_path(step.key), f"show the rule group {step.key}").body
        self._do("PUT", _group_path(step.key), step, {**group, **_item(step).body})

    def _route(self) -> list[Found]:
        tree = self._policies()
        for each in tree.get("routes") or []:
            if _matchers(each) == managed.MATCHERS:
                ours = each.get("receiver") == managed.NAME
                settled = (
                    "" if ours else f"its alerts go to {one_line(str(each.get('receiver')))}, by somebody's own route"
                )
                key = f"{managed.LABEL}={managed.NAME}"
                # Times and grouping may be anybody's choice: what counts is that the route is there.
                body = managed.route() if ours else None
                locked = _provenance(tree)
                return [Found(managed.ROUTE, key, ours, body, settled=settled, locked=locked)]
        return []

    def _policies(self) -> Json:
        tree = self._client.ask("GET", f"{_ALERTING}/policies", "show its notification policies").body
        if not isinstance(tree, dict) or "receiver" not in tree:
            raise ProvisionError(f"Grafana at {self.url}: its notification policies are not as tocsin knows them")
        return tree

    def _write_route(self, step: Step) -> None:
        """One route more or less, in a tree that was read just now; all else goes back as it came."""
        tree = self._policies()
        provenance = tree.pop("provenance", "")
        if provenance == "file":
            raise ProvisionError(
                f"Grafana at {self.url}: its notification policies are provisioned from a file: add there a route with "
                f"receiver {managed.NAME} and the matcher {managed.LABEL}={managed.NAME}"
            )
        others = [each for each in tree.get("routes") or [] if not _is_own(each)]
        tree["routes"] = others if step.action == DELETE else [managed.route(), *others]
        self._do("PUT", f"{_ALERTING}/policies", step, tree, {} if provenance else _EDITABLE)

    def _do(
        self, method: str, path: str, step: Step, body: object = None, headers: dict[str, str] | None = None
    ) -> None:
        self._client.ask(method, path, f"{step.action} {step.kind} {step.key}", body, headers)

    _writers: dict[str, Callable[["Grafana", Step], None]] = {  # noqa: RUF012  # a table, never changed
        sources.KIND: _write_source,
        FOLDER_KIND: _write_folder,
        BOARD: _write_board,
        managed.CONTACT: _write_contact,
        managed.RULE: _write_rule,
        managed.GROUP: _write_group,
        managed.ROUTE: _write_route,
    }


def _method(step: Step) -> str:
    return "PUT" if step.action == CHANGE else "DELETE"


def _item(step: Step) -> Item:
    assert step.item is not None, step  # noqa: S101  # a step that writes has one
    return step.item


def _message(stamp: str) -> str:
    """What stands beside a board's version."""
    return f"tocsin provision {stamp}"


def _group_path(group: str) -> str:
    return f"{_ALERTING}/folder/{FOLDER}/rule-groups/{quote(group, safe='')}"


def _provenance(each: Json) -> str:
    found = each.get("provenance") or "api"
    if found == "file":
        return _FILE
    return "" if found == "api" else f"it belongs to another provisioning ({one_line(str(found))})"


def _matchers(each: Json) -> Any:
    return each.get("object_matchers")


def _is_own(each: Json) -> bool:
    return _matchers(each) == managed.MATCHERS and each.get("receiver") == managed.NAME


def _objects(listed: Any, url: str) -> Iterable[Json]:
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ProvisionError(
            f"what answers at {url} is no Grafana that tocsin knows: a list expected; check grafana.url"
        )
    return listed


def _object(answer: Any, name: str, url: str) -> Json:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise ProvisionError(
            f"what answers at {url} is no Grafana that tocsin knows: {name} expected; check grafana.url"
        )
    return found
