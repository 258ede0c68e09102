"""When a program that is silent hangs, and so must be restarted, rather than being busy or still starting."""

from __future__ import annotations

LOOKS = 12  # failed looks in a row: about a minute, or a minute and a half if each one waits for an answer


class Hangs:
    """How many looks at each program failed in a row.

    A program that is busy answers one of so many. One that has not answered since its process started is left alone: it may be changing
    its database, and a restart would not help it.
    """

    def __init__(self, looks: int = LOOKS) -> None:
        self._looks = looks
        self._answered: dict[str, int] = {}
        self._failed: dict[str, int] = {}

    def look(self, name: str, pid: int | None, answering: bool) -> bool:
        """Note one look at a program, and return whether it hangs. The count begins anew after a restart."""
        if answering and pid is not None:
            self._answered[name] = pid
        if answering or pid is None or self._answered.get(name) != pid:
            self._failed[name] = 0
            return False
        self._failed[name] += 1
        return self._failed[name] >= self._looks
