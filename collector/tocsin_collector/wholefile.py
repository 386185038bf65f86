"""A file in the place of another in one step: other programs read the old one or the new one, never a half."""

import contextlib
import os


def replace(path: str, content: bytes, ending: str, mode: int = 0o644) -> None:
    """Write a file that everybody may read, or as ``mode`` says.

    ``ending`` follows its name until it is whole: no pattern of a reader finds that. A link in its place is not
    followed. Raises OSError; then the old file is as it was.
    """
    unfinished = path + ending
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)  # who reads it runs as another user, whatever our umask is
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
