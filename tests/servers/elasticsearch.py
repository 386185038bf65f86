"""The real Elasticsearch's core engine, from Maven by locked coordinates and checksums.

The distribution is no Maven artefact; its core is: HTTP, indices, data streams, templates, search, aggregations. What
is a module of its own is not there: ``GET /``, the ``_data_stream`` API, lifecycles, ingest processors, security,
``match_only_text``.
"""

import contextlib
import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterator

from tests.servers.cache import Missing, kept, run
from tests.servers.process import Server, free_port, serving

VERSIONS = ("8.19.5", "9.2.0")
OLDEST_JDK = 21
_HERE = os.path.join(os.path.dirname(__file__), "elasticsearch")
_ZSTD = ("/usr/lib/*/libzstd.so.1", "/usr/lib/libzstd.so.1", "/usr/lib64/libzstd.so.1")


class WrongSum(Exception):  # noqa: N818  # it says what a jar has
    """A jar is not the one that was locked. Nothing of it stays in the cache."""


def installed(version: str) -> str:
    """The folder with a version's jars and our launcher. Raises Missing without Maven or a JDK, WrongSum."""
    jdk()  # said before 40 MB are fetched
    return kept(f"elasticsearch-{version}", lambda folder: _install(folder, version))


def jdk(kept_in: str = "/usr/lib/jvm") -> str:
    """The folder of the newest JDK on this machine. Raises Missing when none is new enough."""
    homes = (os.environ.get("JAVA_HOME", ""), *glob.glob(f"{kept_in}/*"))
    version, home = max((_major(home), home) for home in homes)
    if version < OLDEST_JDK:
        raise Missing(f"no JDK {OLDEST_JDK} or newer in JAVA_HOME or {kept_in}; Elasticsearch needs one")
    return home


def _major(home: str) -> int:
    """The version of a JDK that has a compiler, as its own file tells it; 0 for any other folder."""
    if not os.access(os.path.join(home, "bin/javac"), os.X_OK):
        return 0
    with contextlib.suppress(OSError), open(os.path.join(home, "release"), encoding="utf-8") as file:
        told = re.search(r'^JAVA_VERSION="(\d+)', file.read(), re.MULTILINE)
        return int(told[1]) if told else 0
    return 0


def locked(version: str) -> dict[str, str]:
    """The SHA-256 of each jar of a version, by ``group:artefact:version``."""
    with open(os.path.join(_HERE, f"{version}.lock"), encoding="utf-8") as file:
        return dict(line.split() for line in file)


def check(folder: str, wanted: dict[str, str]) -> None:
    """Whether a folder holds the locked jars and nothing else. Raises WrongSum, which names the jar."""
    names = {_jar(coordinate): total for coordinate, total in wanted.items()}
    for name in sorted(names.keys() | set(os.listdir(folder))):
        if name not in names:
            raise WrongSum(f"{name} is not in the lock")
        try:
            with open(os.path.join(folder, name), "rb") as file:
                total = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise WrongSum(f"{name} was not fetched") from None
        if total != names[name]:
            raise WrongSum(f"{name} has the SHA-256 {total}, locked is {names[name]}")


def _install(folder: str, version: str) -> None:
    coordinates, core = locked(version), os.path.join(folder, "core")
    with open(os.path.join(folder, "pom.xml"), "w", encoding="utf-8") as file:
        file.write(_pom(coordinates))
    run(["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={core}"], folder)
    check(core, coordinates)
    module = os.path.join(folder, "modules/transport-netty4")
    os.makedirs(module)
    for name in sorted(os.listdir(core)):
        if name.startswith(("netty-", "transport-netty4-")):
            shutil.move(os.path.join(core, name), module)
    with open(os.path.join(module, "plugin-descriptor.properties"), "w", encoding="utf-8") as file:
        file.write(_DESCRIPTOR.format(version=version))
    source = os.path.join(_HERE, "Launcher.java")
    compiler = [os.path.join(jdk(), "bin/javac"), "--release", str(OLDEST_JDK), "-cp", f"{core}/*", "-d", folder]
    run([*compiler, source], folder)


def _pom(coordinates: dict[str, str]) -> str:
    """A project that depends on exactly the locked jars."""
    each = "".join(_DEPENDENCY.format(*coordinate.split(":")) for coordinate in coordinates)
    return f"<project><modelVersion>4.0.0</modelVersion>{_NAME}<dependencies>{each}</dependencies></project>\n"


def _jar(coordinate: str) -> str:
    _, artefact, version = coordinate.split(":")
    return f"{artefact}-{version}.jar"


@contextlib.contextmanager
def elasticsearch(folder: str, version: str) -> Iterator[Server]:
    """An Elasticsearch with its data below ``folder``, alone, without a password; ready in about six seconds."""
    home = os.path.join(folder, f"elasticsearch-{version}")
    port = free_port()
    command = _command(home, installed(version), port)
    log = os.path.join(folder, f"elasticsearch-{version}.log")
    with serving(command, f"http://127.0.0.1:{port}", ready="/_cluster/health", log=log, limit_s=90) as server:
        yield server


def _command(home: str, installation: str, port: int) -> list[str]:
    for part in ("config", "plugins", "native"):
        os.makedirs(os.path.join(home, part), exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.symlink(os.path.join(installation, "modules"), os.path.join(home, "modules"))
    for library in [found for where in _ZSTD for found in glob.glob(where)][:1]:
        # What `best_compression` and logsdb write with; the distribution brings its own.
        with contextlib.suppress(FileExistsError):
            os.symlink(library, f"{home}/native/libzstd.so")
    with open(os.path.join(home, "log4j2.properties"), "w", encoding="utf-8") as file:
        file.write(_LOG)
    return [
        os.path.join(jdk(), "bin/java"),
        "-Xms256m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        f"-Des.nativelibs.path={home}/native",
        # Elasticsearch's own library for vectors is in no registry; without this line zstd would not be loaded either.
        "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
        f"-Dlog4j2.configurationFile={home}/log4j2.properties",
        f"-Djava.io.tmpdir={home}",
        "--module-path",
        f"{installation}/core",
        "--add-modules",
        "ALL-MODULE-PATH,jdk.incubator.vector,jdk.management.agent",
        "-cp",
        installation,
        "Launcher",
        home,
        str(port),
    ]


_NAME = "<groupId>tocsin</groupId><artifactId>elasticsearch</artifactId><version>1</version><packaging>pom</packaging>"
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
    "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
)
_DESCRIPTOR = """\
name=transport-netty4
description=HTTP
version={version}
elasticsearch.version={version}
java.version=17
classname=org.elasticsearch.transport.netty4.Netty4Plugin
modulename=org.elasticsearch.transport.netty4
has.native.controller=false
"""
_LOG = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
