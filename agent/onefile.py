"""``python agent/onefile.py FILE``: the agent as one file that runs on any host with Python 3.11 or newer.

A zipapp of the two rooms and of what the agent can use but does not need: the NVML binding and PyYAML, where they are
installed here. Each module is in it as text and compiled for the Python that builds it; another version compiles the
text, which costs it a tenth of a second a start. Two builds from the same files have the same bytes.
"""

import io
import os
import py_compile
import sys
import tempfile
import zipfile
from importlib import metadata, util

HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = (os.path.join(HERE, "tocsin_agent"), os.path.join(os.path.dirname(HERE), "schema", "tocsin_schema"))
USEFUL = {"pynvml": "nvidia-ml-py", "yaml": "PyYAML"}
INDEX = "LISTING"
"""In the folder of each package: the names of its files, which ``tocsin_agent.listing`` reads there."""
MAIN = "import sys\n\nfrom tocsin_agent.__main__ import main\n\nsys.exit(main())\n"
SHEBANG = b"#!/usr/bin/env python3\n"
EPOCH = (1980, 1, 1, 0, 0, 0)


def modules(package: str) -> dict[str, str]:
    """The files of a package or of a single module, by their names in the archive."""
    if os.path.isfile(package):
        return {os.path.basename(package): package}
    parent = os.path.dirname(package)
    found = {}
    for folder, _, names in os.walk(package):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                found[os.path.relpath(path, parent)] = path
    return found


def useful() -> dict[str, str]:
    """What else goes into the archive, with its licence."""
    found: dict[str, str] = {}
    for module, distribution in USEFUL.items():
        spec = util.find_spec(module)
        if spec is None or spec.origin is None:
            continue
        package = os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin
        found |= modules(package)
        for file in metadata.files(distribution) or []:
            if file.name in ("LICENSE", "METADATA"):
                found[f"licenses/{distribution}-{file.name}"] = str(file.locate())
    return found


def compiled(path: str, name: str) -> bytes:
    """A module's bytecode, which is never compared with its text: both are in one file."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "c.pyc")
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(path, target, name, doraise=True, invalidation_mode=mode)
        with open(target, "rb") as file:
            return file.read()


def content() -> dict[str, bytes]:
    """The files of the archive by name."""
    found: dict[str, bytes] = {"__main__.py": MAIN.encode()}
    folders: dict[str, list[str]] = {}
    paths = {**modules(ROOMS[0]), **modules(ROOMS[1]), **useful()}
    for name, path in paths.items():
        with open(path, "rb") as file:
            found[name] = file.read()
        if name.endswith(".py"):
            found[f"{name}c"] = compiled(path, name)
            folders.setdefault(os.path.dirname(name), []).append(os.path.basename(name))
    for folder, names in folders.items():
        if folder:
            found[f"{folder}/{INDEX}"] = "\n".join(sorted(names)).encode()
    return found


def build(target: str) -> None:
    """Write the file: whole or not at all."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as pack:
        for name, data in sorted(content().items()):
            pack.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with open(f"{target}.new", "wb") as file:
        file.write(SHEBANG + archive.getvalue())
    os.chmod(f"{target}.new", 0o755)  # noqa: S103 (everybody may run it)
    os.replace(f"{target}.new", target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python agent/onefile.py FILE")
    build(sys.argv[1])
    print(f"{sys.argv[1]}: {os.path.getsize(sys.argv[1]) / 1024:.0f} KiB")
