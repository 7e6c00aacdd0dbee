"""When to try again after a failure, how long to wait, and when to stop: the rules of shared/client/retry.ts."""

import random
import time
from typing import Callable, Optional, TypeVar

from .abort import Abort
from .errors import BrokenConnection, KartaError, NoDaemonError, UnreadableAnswer

#: Seconds. The longest first wait; each further one may be twice as long. Every wait is drawn at random below its bound.
FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
#: How long nothing but failures may go on. A drain takes kartad up to 30 s, a start about one.
GIVE_UP_AFTER = 60.0

#: What kartad answers to a request that it has not taken.
_PASSING_CODES = ("shutting_down", "storage_unavailable", "rate_limited", "queue_full")
#: What a proxy in front of a kartad that is away answers by itself.
_GATEWAY_STATUS = (502, 503, 504)

Result = TypeVar("Result")


class Persistence:
    """Owner: one call, or one turn that is read."""

    def __init__(self, abort: Abort) -> None:
        self._abort = abort
        # Until a request may have been taken nothing is tried again: the caller is told at once.
        self._may_be_taken = False
        self._failures = 0
        self._failing_since: Optional[float] = None
        self._attempt_since = time.monotonic()

    def taken(self) -> None:
        """kartad has taken the request."""
        self._may_be_taken = True

    def progressed(self) -> None:
        """Something new has arrived: what failed before no longer counts."""
        self._failures = 0
        self._failing_since = None

    def recover(self, error: Exception) -> None:
        """Waits until it is time for the next try. Raises the error itself where none is of use."""
        self._abort.require()
        if isinstance(error, BrokenConnection):
            self._may_be_taken = True
        if not self._may_be_taken or not _is_passing(error):
            raise error
        now = time.monotonic()
        if now - self._attempt_since > GIVE_UP_AFTER:
            self.progressed()  # a try that held for long (an answer that took its time) was no failure to reach kartad
        if self._failing_since is None:
            self._failing_since = now
        left = GIVE_UP_AFTER - (now - self._failing_since)
        if left <= 0:
            raise error
        self._abort.wait(min(left, self._pause(error)))
        self._attempt_since = time.monotonic()

    def _pause(self, error: Exception) -> float:
        bound = min(LONGEST_WAIT, FIRST_WAIT * 2**self._failures)
        self._failures += 1
        # Drawn at random: the clients of a kartad that restarts must not all come back at the same moment.
        pause = random.uniform(0, bound)
        asked = error.retry_after if isinstance(error, KartaError) else None
        return max(pause, asked or 0)


def retried(attempt: Callable[[], Result], abort: Abort) -> Result:
    """Runs ``attempt`` until it succeeds, or until there is no use in another one. It must be safe to repeat."""
    persistence = Persistence(abort)
    while True:
        try:
            return attempt()
        except (KartaError, NoDaemonError) as error:
            persistence.recover(error)


def _is_passing(error: Exception) -> bool:
    """True for what a kartad that stops, starts or is busy does to a request that it has not looked at yet."""
    if isinstance(error, UnreadableAnswer):
        return error.status in _GATEWAY_STATUS
    if isinstance(error, KartaError):
        return error.code in _PASSING_CODES
    return isinstance(error, NoDaemonError)
