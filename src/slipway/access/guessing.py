"""Protection against guessing passwords: each wrong one makes the next attempt wait longer, until all are refused for some minutes.

API keys and tokens do not need this: nobody guesses 256 random bits, and a lock would shut out callers with valid ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slipway.access.networks import network_of
from slipway.access.refusals import LockedOutError

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait after how many failures; all times are in seconds.

    The first `free` failures cost nothing. The next one costs a wait of `first`, and each further one doubles it. From `lock_after`
    failures on, the wait is `lock`. Failures are forgotten `forget` seconds after the last of them.
    """

    free: int
    lock_after: int
    first: float = 1.0
    lock: float = 300.0
    forget: float = 900.0

    def __post_init__(self) -> None:
        if not 0 <= self.free < self.lock_after or not 0 < self.first <= self.lock < self.forget:
            raise ValueError(f"{self}: expected 0 <= free < lock_after and 0 < first <= lock < forget.")

    def wait(self, failures: int) -> float:
        """Return the seconds to wait between the last of `failures` failures and the next attempt."""
        if failures <= self.free:
            return 0.0
        if failures >= self.lock_after:
            return self.lock
        return min(self.first * 2.0 ** (failures - self.free - 1), self.lock)


BY_NAME = Policy(free=3, lock_after=10)
BY_ADDRESS = Policy(free=30, lock_after=60)  # a whole hospital may use one address


class Failures:
    """Counts failures by name or address. It keeps 10,000 counts and forgets the oldest first."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._by: dict[str, tuple[int, float]] = {}  # ordered by the last failure

    def remaining(self, source: str) -> float:
        """Return the seconds until `source` may try again."""
        count, last = self._find(source)
        return max(0.0, last + self._policy.wait(count) - self._clock())

    def add(self, source: str) -> None:
        count, _ = self._find(source)
        self._by.pop(source, None)
        self._by[source] = (count + 1, self._clock())
        while len(self._by) > MOST:
            del self._by[next(iter(self._by))]

    def uncount(self, source: str) -> None:
        """Forget one failure."""
        count, last = self._find(source)
        if count > 1:
            self._by[source] = (count - 1, last)
        else:
            self.clear(source)

    def clear(self, source: str) -> None:
        self._by.pop(source, None)

    def _find(self, source: str) -> tuple[int, float]:
        count, last = self._by.get(source, (0, -math.inf))
        return (count, last) if self._clock() - last < self._policy.forget else (0, -math.inf)


class Guessing:
    """Attempts to sign in, by user name and by address, in this process.

    An attempt counts as failed until it succeeds, so many attempts at once cannot avoid the wait.
    """

    def __init__(self, by_name: Policy = BY_NAME, by_address: Policy = BY_ADDRESS, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = Failures(by_name, clock)
        self._addresses = Failures(by_address, clock)

    def begin(self, name: str, address: str) -> None:
        """Count an attempt.

        Raises:
            LockedOutError: It comes too early. It was not counted, and the error does not reveal whether the user exists.
        """
        network = network_of(address)
        seconds = max(self._names.remaining(name), self._addresses.remaining(network))
        if seconds > 0:
            retry = math.ceil(seconds)
            raise LockedOutError(f"too many failed attempts to sign in. Try again in {retry} s; open sessions stay open.", retry)
        self._names.add(name)
        self._addresses.add(network)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the name's failures. The address keeps those of other names, or a valid user could guess at others freely."""
        self._names.clear(name)
        self._addresses.uncount(network_of(address))

    def locked(self, names: Iterable[str]) -> dict[str, float]:
        """Return the seconds for which each of these names must wait, without those that need not."""
        return {name: seconds for name in names if (seconds := self._names.remaining(name)) > 0}

    def unlock(self, name: str) -> None:
        """Forget the name's failures."""
        self._names.clear(name)

    def abandoned(self, name: str, address: str) -> None:
        """Uncount an attempt that was neither right nor wrong."""
        self._names.uncount(name)
        self._addresses.uncount(network_of(address))
