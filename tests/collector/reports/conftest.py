from pathlib import Path

import pytest

from tests.servers.cache import lacking

PYTHON = Path(__file__).parents[3] / ".venv-reports" / "bin" / "python"


@pytest.fixture
def evidently_python() -> str:
    if not PYTHON.exists():
        lacking("needs the environment of the extra `reports`: make reports")
    return str(PYTHON)
