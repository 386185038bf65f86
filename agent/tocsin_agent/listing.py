"""The modules of a package found by listing it, on disk or inside a zipapp. (pkgutil costs 40 modules.)"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def names(package: str) -> list[str]:
    """The names of the package's public modules and packages, sorted."""
    found: set[str] = set()
    listed = __import__(package, fromlist=["__path__"])
    for path in listed.__path__:
        entries = os.listdir(path) if os.path.isdir(path) else _zipped(listed, path)
        found.update(entry.removesuffix(".py") for entry in entries if entry.endswith(".py") and entry[0] != "_")
    return sorted(found)


def module(package: str, name: str) -> "ModuleType":
    """One module of a package."""
    __import__(f"{package}.{name}")
    return sys.modules[f"{package}.{name}"]


def _zipped(package: "ModuleType", path: str) -> list[str]:
    """The modules of a folder inside a zip file: by the index that `agent/onefile.py` leaves there, or by pkgutil.

    Where zipimport keeps its own index differs from version to version, and pkgutil costs 40 modules.
    """
    try:
        index: bytes = package.__loader__.get_data(f"{path}/LISTING")  # type: ignore[union-attr]
    except OSError:
        from pkgutil import iter_modules

        return [f"{module.name}.py" for module in iter_modules([path])]
    return index.decode().split("\n")
