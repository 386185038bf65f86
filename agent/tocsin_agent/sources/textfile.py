"""Metrics that other programs leave in files: ``*.prom`` in the folders of the setting `textfile`.

A file that cannot be read as a whole is left out as a whole, and the error shows and is logged; so is one that gives
names which are the agent's own. A folder may lie on a network filesystem, so each is read aside; a file is parsed again
only when it has changed.
"""

import os

from tocsin_agent.aside import Aside, Errand
from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.log import event
from tocsin_agent.readings import OLD_S, WAIT_S
from tocsin_schema.metrics.textfile import AGE, ERROR, METRICS, MTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_agent.textformat import Family

SUFFIX = ".prom"
RESERVED = ("node_", "process_", "tocsin_")
"""How names of the agent's own begin; only a file with such names is compared with the catalogue."""


class File:
    """One file as it was read: its families, or what is wrong with it."""

    __slots__ = ("error", "families", "key", "mtime", "path")

    def __init__(self, path: str, found: os.stat_result) -> None:
        self.path = path
        self.key = age(found)
        self.mtime = found.st_mtime_ns // 10**9
        self.families: dict[str, Family] = {}
        self.error = ""
        try:
            self.families = load(path)
        except (OSError, ValueError) as error:
            self.error = str(error)


def age(found: os.stat_result) -> tuple[int, ...]:
    """What changes when a file's content, or its rights, or the file itself does."""
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def load(path: str) -> "dict[str, Family]":
    """The families of one file. Raises OSError, and ValueError when it is not to be taken."""
    from tocsin_agent.textformat import parse

    file = KernelFile(path)
    try:
        found = parse(file.read().decode())
    finally:
        file.close()
    mine = own_names() if any(name.startswith(RESERVED) for name in found) else set()
    taken = sorted(mine & set(found))
    if taken:
        raise ValueError(f"{taken[0]} is a metric of the agent's own")
    return found


class Folder:
    """The folders of one pattern, and their files."""

    __slots__ = ("errand", "files", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.files: dict[str, File] = {}
        self.errand = Errand(self._read)

    def _read(self) -> "tuple[list[File], dict[str, str]]":
        """The files, those that have changed read again, and what cannot be read at all."""
        found: dict[str, File] = {}
        errors: dict[str, str] = {}
        for folder in folders(self.pattern):
            try:
                paths = [f"{folder.rstrip('/')}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(SUFFIX)]
            except OSError as error:
                errors[folder] = str(error)
                continue
            for path in paths:
                try:
                    now = os.stat(path)
                except OSError as error:
                    errors[path] = str(error)
                    continue
                known = self.files.get(path)
                found[path] = known if known and known.key == age(now) else File(path, now)
        self.files = found
        return list(found.values()), errors


def folders(pattern: str) -> list[str]:
    """The folders that a pattern means; one that means none is taken as it stands, and is missed."""
    if not set("*?[") & set(pattern):
        return [pattern]
    from glob import glob

    return sorted(glob(pattern)) or [pattern]


def own_names() -> set[str]:
    """Every name in the catalogue that the agent, or capture, may emit."""
    from tocsin_agent import listing

    groups = [listing.module("tocsin_schema.metrics", name) for name in listing.names("tocsin_schema.metrics")]
    return {metric.name for group in groups for metric in group.METRICS if metric.emitter != "collector"}


def merge(files: "list[File]") -> "tuple[dict[str, Family], dict[str, list[str]], dict[str, str]]":
    """The families of all files by name, the files of each, and what keeps a file out.

    A series that stands twice counts once, the first. A file that calls a gauge what another one calls a counter is
    left out.
    """
    from tocsin_agent.textformat import UNTYPED, Family

    found: dict[str, Family] = {}
    origins: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for file in files:
        clash = next((f for f in file.families.values() if f.name in found and f.type != found[f.name].type), None)
        if clash is not None:
            other = origins[clash.name][0]
            kinds = clash.type or UNTYPED, found[clash.name].type or UNTYPED
            errors[file.path] = f"{clash.name} is a {kinds[0]} here and a {kinds[1]} in {other}"
            continue
        for name, one in file.families.items():
            whole = found.setdefault(name, Family(name))
            whole.type, whole.help = one.type, whole.help if whole.help is not None else one.help
            whole.samples = one.samples | whole.samples
            origins.setdefault(name, []).append(file.path)
    return found, origins, errors


class Textfile:
    """``node_textfile_*`` and whatever the files say."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        patterns = values["textfile"]
        self._folders = [Folder(str(pattern)) for pattern in (patterns if isinstance(patterns, list) else [])]
        self._aside = Aside()
        self._nothing = family(ERROR, [({}, 0)])
        self._errors: dict[str, str] = {}
        self._key: object = None
        self._text = b""

    def read(self) -> bytes:
        """One listing a folder, one look at the age of each file."""
        if not self._folders:
            return self._nothing
        self._aside.ask([folder.errand for folder in self._folders], WAIT_S)
        files: list[File] = []
        errors: dict[str, str] = {}
        for folder in self._folders:
            answer = folder.errand.answer
            if isinstance(answer, tuple):
                files += answer[0]
                errors |= answer[1]
            else:
                errors[folder.pattern] = str(answer or "it does not answer")
        key = [(file.path, file.key) for file in files], errors
        if key != self._key:
            self._text = self._written(files, errors)
            self._key = key
        ages = [({"folder": folder.pattern}, round(folder.errand.age_s, 3)) for folder in self._folders]
        return self._text + family(AGE, [(labels, age) for labels, age in ages if age > OLD_S])

    def _written(self, files: "list[File]", errors: dict[str, str]) -> bytes:
        from tocsin_agent.textformat import write

        errors = errors | {file.path: file.error for file in files if file.error}
        families, origins, clashes = merge([file for file in files if not file.error])
        errors |= clashes
        self._tell(errors)
        well = [({"file": printable(file.path)}, file.mtime) for file in files if file.path not in errors]
        parts = [write([one], f"Metric read from {', '.join(origins[name])}") for name, one in families.items()]
        return b"".join([*parts, family(MTIME, well), family(ERROR, [({}, int(bool(errors)))])])

    def _tell(self, errors: dict[str, str]) -> None:
        """Log what begins to be wrong, and what is well again: once, not at each scrape."""
        for path in errors.keys() - {path for path, error in self._errors.items() if errors.get(path) == error}:
            event("textfile_failed", file=printable(path), error=errors[path])
        for path in self._errors.keys() - errors.keys():
            event("textfile_recovered", file=printable(path))
        self._errors = errors

    def close(self) -> None:
        """Nothing is kept open."""


def printable(path: str) -> str:
    """A path as a label's value: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


SOURCE = Textfile
