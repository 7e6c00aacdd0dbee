"""How a process that runs an app speaks to kartad while the app may print and read whatever it likes."""

import os
import sys


def keep_output_apart() -> int:
    """Points descriptor 1 at standard error and returns a descriptor of the standard output that was there.

    Prints, also those of C code and of child processes, then end up in the log and never in what kartad reads.
    """
    kept = os.dup(1)
    os.dup2(2, 1)
    show_lines_at_once()
    return kept


def keep_input_apart() -> int:
    """Gives the app an empty standard input and returns a descriptor of the one that was there."""
    kept = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return kept


def show_lines_at_once() -> None:
    """What the app prints comes in its order, and is not lost at the end."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def end_process(code: int) -> None:
    """Ends the process at once: a thread that the app started must not hold it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            pass  # the app replaced or closed it
    os._exit(code)
