"""Against guessing of passwords: every wrong one makes the next attempt wait longer, until there is none for some minutes.

API keys and tokens need no such thing: 256 random bits are not guessed, and a lock would shut out the holders of right ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from slipway.access.networks import network_of
from slipway.access.refusals import LockedOutError

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait after how many failures; all times in seconds.

    `free` failures cost nothing. Each further one doubles the wait, from `first` on, until from `lock_after` failures on it is `lock`.
    Failures are forgotten `forget` seconds after the last of them.
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
        """Return the seconds from the last of so many failures to the next attempt."""
        if failures <= self.free:
            return 0.0
        if failures >= self.lock_after:
            return self.lock
        return min(self.first * 2.0 ** (failures - self.free - 1), self.lock)


BY_NAME = Policy(free=3, lock_after=10)
BY_ADDRESS = Policy(free=30, lock_after=60)  # a hospital may be behind one address


class Failures:
    """Failures by whom. What is kept is bounded: of more than 10,000, the oldest are forgotten."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._by: dict[str, tuple[int, float]] = {}  # in the order of the last failure

    def remaining(self, who: str) -> float:
        """Return the seconds until `who` may try again."""
        count, last = self._find(who)
        return max(0.0, last + self._policy.wait(count) - self._clock())

    def add(self, who: str) -> None:
        count, _ = self._find(who)
        self._by.pop(who, None)
        self._by[who] = (count + 1, self._clock())
        while len(self._by) > MOST:
            del self._by[next(iter(self._by))]

    def take_back(self, who: str) -> None:
        """Forget one failure."""
        count, last = self._find(who)
        if count > 1:
            self._by[who] = (count - 1, last)
        else:
            self.clear(who)

    def clear(self, who: str) -> None:
        self._by.pop(who, None)

    def _find(self, who: str) -> tuple[int, float]:
        count, last = self._by.get(who, (0, -math.inf))
        return (count, last) if self._clock() - last < self._policy.forget else (0, -math.inf)


class Guessing:
    """Attempts to sign in, by user name and by address, in this process.

    An attempt counts as failed until it has succeeded, so that many at once are no way around the wait.
    """

    def __init__(self, by_name: Policy = BY_NAME, by_address: Policy = BY_ADDRESS, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = Failures(by_name, clock)
        self._addresses = Failures(by_address, clock)

    def begin(self, name: str, address: str) -> None:
        """Count an attempt.

        Raises:
            LockedOutError: It comes too early. It was not counted, and says nothing about whether the user exists.
        """
        network = network_of(address)
        seconds = max(self._names.remaining(name), self._addresses.remaining(network))
        if seconds > 0:
            retry = math.ceil(seconds)
            raise LockedOutError(f"too many failed attempts to sign in. Try again in {retry} s; sessions that are open go on.", retry)
        self._names.add(name)
        self._addresses.add(network)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the name's failures. The address keeps those of others, or one valid user would make guessing at others free."""
        self._names.clear(name)
        self._addresses.take_back(network_of(address))

    def abandoned(self, name: str, address: str) -> None:
        """Take back an attempt that was neither right nor wrong."""
        self._names.take_back(name)
        self._addresses.take_back(network_of(address))
