"""Ends a call that another thread is in."""

import threading
from typing import Optional, Protocol

from .errors import Aborted


class Closable(Protocol):
    def close(self) -> None: ...


class Abort:
    """Owner: one call. It ends the read that waits, and the wait before the next try; ``abort`` may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = threading.Event()
        self._held: Optional[Closable] = None

    def abort(self) -> None:
        with self._lock:
            self._aborted.set()
            held, self._held = self._held, None
        if held is not None:
            held.close()

    def hold(self, connection: Closable) -> None:
        """From now on this is what ``abort`` closes. Raises Aborted when it has come already."""
        with self._lock:
            if not self._aborted.is_set():
                self._held = connection
                return
        connection.close()
        raise Aborted()

    def require(self) -> None:
        """Raises Aborted once nobody waits any more."""
        if self._aborted.is_set():
            raise Aborted()

    def wait(self, seconds: float) -> None:
        """Raises Aborted as soon as that comes."""
        if self._aborted.wait(seconds):
            raise Aborted()
