"""The how-tos as tests run them: what a manual says is what works."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def blocks(manual: str, language: str) -> list[str]:
    """The fenced blocks of one language in ``docs/how-to/MANUAL.md``, in order."""
    text = (ROOT / "docs" / "how-to" / f"{manual}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(manual: str, number: int) -> list[str]:
    """The lines of the ``number``-th block of commands (```sh) as root types them."""
    lines = blocks(manual, "sh")[number].replace("\\\n", "").splitlines()
    return [line.replace("sudo ", "") for line in lines if line and not line.startswith("#")]
