"""Long work in the event loop, in turns: nobody waits for the whole."""

import asyncio
from time import monotonic

TURN_S = 0.002


class Turn:
    """The time that a piece of work may use before others have theirs."""

    def __init__(self) -> None:
        self._ends = monotonic() + TURN_S

    @property
    def over(self) -> bool:
        """Whether it is used up; ``await pass_on()`` then."""
        return monotonic() > self._ends

    async def pass_on(self) -> None:
        """Let everything run that waits, and begin the next turn."""
        await asyncio.sleep(0)
        self._ends = monotonic() + TURN_S
