"""Blocking work for async code."""

import asyncio
import threading
from typing import Callable, TypeVar

from .abort import Abort

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result], abort: Abort) -> Result:
    """Runs ``work`` in a thread of its own, and aborts it when the task that waits for it is cancelled.

    Not ``asyncio.to_thread``: its few threads would be all taken by conversations that wait for their agents, and the end
    of the program would wait for them too.
    """
    loop = asyncio.get_running_loop()
    outcome: "asyncio.Future[Result]" = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        def unless_left() -> None:
            if not outcome.done():
                settle()

        try:
            loop.call_soon_threadsafe(unless_left)
        except RuntimeError:
            pass  # the loop is closed: nobody waits

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            caught = error
            tell(lambda: outcome.set_exception(caught))
        else:
            tell(lambda: outcome.set_result(result))

    threading.Thread(target=run, name="karta-client", daemon=True).start()
    try:
        return await outcome
    except asyncio.CancelledError:
        abort.abort()
        raise
