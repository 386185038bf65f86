"""Prometheus' rule files: written into its folder, read by it, or taken back.

Prometheus refuses a reload whole when one rule is wrong, and would not start again with it. So after a refusal the old
files come back, and it is told to read once more.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlencode

from tocsin_collector.provision import folder as folder_files
from tocsin_collector.provision import rulefile
from tocsin_collector.provision.client import Client
from tocsin_collector.provision.desired import RULE_FILE
from tocsin_collector.provision.difference import CHANGE, UNCHANGED, Found, Item, Step
from tocsin_collector.provision.fault import ProvisionError, RefusedError
from tocsin_collector.provision.managed import seconds

RELOAD = "reload"
# It gives its configuration in one form, whatever the file looks like.
_GLOBAL = re.compile(r"^global:\n(?:  .*\n)*?  scrape_interval: (\w+)", re.MULTILINE)
_JOB = re.compile(r"^- job_name: (.+)\n(?:  .*\n)*?  scrape_interval: (\w+)", re.MULTILINE)


_NO_PROMQL, _RULES_REFUSED, _NO_LIFECYCLE = 400, 500, (403, 404, 405)
"""What it answers: to an expression that it cannot parse, to a reload with broken files, to one that is not allowed."""


class Prometheus:
    """A folder of rule files and, where ``prometheus.url`` is set, the server that reads it."""

    def __init__(self, folder: str, client: Client | None) -> None:
        self.folder = folder
        self._client = client
        self.writes = 0
        self._loaded = True

    def greet(self) -> None:
        """Raise ProvisionError when what answers is no Prometheus, or refuses the credentials."""
        if self._client is None:
            return
        told = self._get("/api/v1/status/runtimeinfo", "say what runs")
        ours = [found.key for found in self.present(()) if found.owned]
        changed_s = folder_files.modified_s(self.folder, ours)
        self._loaded = told.get("reloadConfigSuccess") is not False and int(changed_s) <= _read_s(told)

    def interval_s(self) -> float | None:
        """The longest interval at which it scrapes tocsin, by its configuration; None without a server to ask."""
        if self._client is None:
            return None
        text = str(self._get("/api/v1/status/config", "show its configuration").get("yaml"))
        jobs = {name: interval for name, interval in _JOB.findall(text) if "tocsin" in name}
        found = jobs.values() or _GLOBAL.findall(text)[:1]
        return max((seconds(interval) for interval in found), default=None)

    def known_rules(self) -> frozenset[str]:
        """The names of the rules that it has, wherever they came from."""
        if self._client is None:
            return frozenset()
        groups = self._get("/api/v1/rules", "list its rules").get("groups") or []
        return frozenset(str(rule.get("name")) for group in groups for rule in group.get("rules") or [])

    def parse(self, files: Mapping[str, str]) -> None:
        """Raise ProvisionError with every expression of rules that this Prometheus cannot parse; nothing is run."""
        if self._client is None:
            return
        faults = []
        for name, text in files.items():
            for rule in rulefile.rules(rulefile.groups(text)):
                path = f"/api/v1/format_query?{urlencode({'query': rule['expr']})}"
                try:
                    if self._client.find(path, "parse an expression") is None:
                        return  # before 2.39
                except RefusedError as error:
                    if error.status != _NO_PROMQL:
                        raise
                    label = rule.get("alert") or rule.get("record")
                    faults.append(f"{name}: {label}: Prometheus at {self._url} cannot parse its expr: {error.said}")
        if faults:
            raise ProvisionError(*faults)

    def present(self, desired: Sequence[Item]) -> list[Found]:
        """The files of the folder."""
        return folder_files.present(self.folder, RULE_FILE, [item.key for item in desired]) if self.folder else []

    def also(self, steps: Sequence[Step]) -> list[Step]:
        """A reload that is still owed: the files are as they should be, and Prometheus has not read them."""
        ours = [step for step in steps if step.action == UNCHANGED]
        if self._loaded or self._client is None or not ours:
            return []
        reason = "it has not read the rule files since they changed"
        return [Step(CHANGE, RELOAD, self._client.login.url, reason)]

    def write(self, steps: Sequence[Step], done: Callable[[Step], None]) -> list[str]:
        """Do all steps and let Prometheus read them; notes for people. ``done`` hears of each that is there to stay.

        Raises ProvisionError; when Prometheus refuses the rules, the old files are back by then.
        """
        files = [step for step in steps if step.kind == RULE_FILE]
        self._write_files(files)
        unread = self._reload(files) if self._client else None
        for step in files if unread else steps:
            done(step)
        if unread:
            raise unread
        if self._client is None:
            return [f"tell Prometheus to read {self.folder} (SIGHUP, or POST /-/reload): prometheus.url is not set"]
        self._check([step.key for step in steps if step.item is not None])
        return []

    def _write_files(self, files: Sequence[Step]) -> None:
        for count, step in enumerate(files, 1):
            try:
                folder_files.write(self.folder, step)
            except ProvisionError as error:
                folder_files.restore(self.folder, files[:count])
                raise ProvisionError(*error.faults, f"{self.folder}: the rule files are as they were before") from None
            self.writes += 1

    def _reload(self, files: Sequence[Step]) -> ProvisionError | None:
        """Why it has not read the files, which stay all the same. Raises ProvisionError when they do not stay."""
        assert self._client is not None  # noqa: S101
        try:
            self._client.ask("POST", "/-/reload", "read its rules again", once=True)
            self.writes += 1
        except ProvisionError as error:
            status = error.status if isinstance(error, RefusedError) else 0
            if status == _RULES_REFUSED:
                self._take_back(files, str(getattr(error, "said", "")))
            if status in _NO_LIFECYCLE:
                return ProvisionError(
                    f"Prometheus at {self._url} may not be told to reload (it answers {status}): the rule files are "
                    "written; start it with --web.enable-lifecycle, or send it SIGHUP"
                )
            return ProvisionError(*error.faults, "the rule files are written, and not read yet")
        return None

    def _take_back(self, files: Sequence[Step], said: str) -> NoReturn:
        assert self._client is not None  # noqa: S101
        head = f"Prometheus at {self._url} refuses the new rules, see its log: {said or 'it does not say why'}"
        if not files:
            raise ProvisionError(f"{head}; tocsin changed nothing: the fault is in another of its files")
        folder_files.restore(self.folder, files)
        try:
            self._client.ask("POST", "/-/reload", "read its old rules again", once=True)
        except ProvisionError:
            raise ProvisionError(
                f"{head}; the old rule files are back, but it refuses those too: see its log"
            ) from None
        raise ProvisionError(f"{head}; the old rule files are back and in use")

    def _check(self, names: Sequence[str]) -> None:
        """Raise ProvisionError when Prometheus has reloaded without our files."""
        groups = self._get("/api/v1/rules", "list its rules").get("groups") or []
        known = {os.path.basename(str(group.get("file"))) for group in groups}
        missing = [name for name in names if name not in known]
        if missing:
            raise ProvisionError(
                f"Prometheus at {self._url} has reloaded and does not know {', '.join(missing)}: name "
                f"{os.path.join(self.folder, '*.yml')} in the rule_files of its configuration"
            )

    @property
    def _url(self) -> str:
        return self._client.login.url if self._client else ""

    def _get(self, path: str, what: str) -> dict[str, Any]:
        assert self._client is not None  # noqa: S101
        body = self._client.ask("GET", path, what).body
        if not isinstance(body, dict) or body.get("status") != "success" or not isinstance(body.get("data"), dict):
            raise ProvisionError(f"what answers at {self._url} is no Prometheus: check prometheus.url")
        data: dict[str, Any] = body["data"]
        return data


def _read_s(told: dict[str, Any]) -> float:
    """When it last read its configuration, in whole seconds as it tells it; for ever when it does not tell."""
    try:
        return datetime.fromisoformat(str(told["lastConfigTime"])).timestamp()
    except (KeyError, ValueError):
        return float("inf")
