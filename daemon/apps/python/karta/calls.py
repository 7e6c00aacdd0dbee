"""Runs an app's functions: each call in a thread of its own, what is async on one loop that all share."""

import threading
from typing import Any, Awaitable, Callable, Dict, Optional

_loop: Any = None
_starting = threading.Lock()


class Cancelled(Exception):
    """kartad gave the call up before its code had begun to wait."""


class Call:
    """One call of kartad's, from its request to its answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._future: Any = None

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result, awaited where it is awaitable. Raises what it raises."""
        result = function(*arguments)
        return self._wait(result) if hasattr(result, "__await__") else result

    def cancel(self, heard: Callable[[], None]) -> None:
        """Ends what is async. What is not can't be ended from outside: its thread goes on.

        Calls ``heard`` at once; for what is async, once the loop has heard of it: a loop that some call blocks never
        does, and by that kartad knows that all async calls are stuck.
        """
        with self._lock:
            self._cancelled = True
            if self._future is not None:
                self._future.cancel()
                _running_loop().call_soon_threadsafe(heard)
                return
        heard()

    def _wait(self, awaitable: Awaitable[Any]) -> Any:
        import asyncio

        with self._lock:
            if self._cancelled:
                raise Cancelled()
            self._future = asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), _running_loop())
        try:
            return self._future.result()
        finally:
            with self._lock:
                self._future = None


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _running_loop() -> Any:
    """The loop's thread is started by the first app that needs it: asyncio costs 7 MB."""
    global _loop
    import asyncio

    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="karta-async", daemon=True).start()
        return _loop


class Calls:
    """The calls that are not answered yet, by kartad's number of each."""

    def __init__(self) -> None:
        self._open: Dict[int, Call] = {}
        self._lock = threading.Lock()

    def start(self, number: int, work: Callable[[Call], None]) -> None:
        """Runs ``work`` in a thread. It must not raise."""
        call = Call()
        with self._lock:
            self._open[number] = call

        def run() -> None:
            try:
                work(call)
            finally:
                with self._lock:
                    self._open.pop(number, None)

        threading.Thread(target=run, name="karta-call-%d" % number, daemon=True).start()

    def cancel(self, number: int, heard: Callable[[], None]) -> None:
        call: Optional[Call]
        with self._lock:
            call = self._open.get(number)
        if call is None:
            heard()
        else:
            call.cancel(heard)
