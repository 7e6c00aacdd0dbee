"""``python -m karta.check module:attribute``: imports an app's entry point and prints one line of JSON about it.

The line goes to the standard output that the process was started with; what the app prints goes to standard error.
The forms of the answer are declared in daemon/apps/protocol.ts. ``$KARTA_APP_ROOT`` is the app's folder, else the
current one. Run by kartad, ``$KARTA_CHECK_MARKER`` is put before the JSON, and standard input has context.py's line.
"""

import json
import os
import sys

from . import context
from .channel import end_process, keep_output_apart
from .load import load


def main() -> None:
    if len(sys.argv) != 2 or ":" not in sys.argv[1]:
        sys.exit("usage: python -m karta.check module:attribute")
    root = os.path.realpath(os.environ.get("KARTA_APP_ROOT") or os.getcwd())
    marker = os.environ.get("KARTA_CHECK_MARKER", "")
    if marker:
        context.receive_line(sys.stdin.readline())

    channel = os.fdopen(keep_output_apart(), "w", encoding="utf-8")
    answer, _ = load(sys.argv[1], root)
    channel.write("\n" + marker + json.dumps(answer) + "\n")
    channel.flush()
    end_process(0)


if __name__ == "__main__":
    main()
