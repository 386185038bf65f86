import os
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[3] / ".venv-reports" / "bin" / "python"


@pytest.fixture
def evidently_python() -> str:
    if PYTHON.exists():
        return str(PYTHON)
    if os.environ.get("CI") == "true":
        pytest.fail("the environment of the extra `reports` is missing: make reports")
    pytest.skip("needs the environment of the extra `reports`: make reports")
