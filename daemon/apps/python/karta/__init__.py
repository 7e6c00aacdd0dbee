"""Karta for Python.

In a project's folder, named by ``entry_point = "app:app"`` in karta.toml:

    from karta import Karta

    app = Karta()

Anywhere else, to talk to a running kartad:

    from karta import Karta

    print(Karta("./my-app").send_sync("Do you ship free?").text)

Standard library only, Python 3.9 and newer.
"""

from typing import TYPE_CHECKING, Any

from .app import Karta
from .context import Discovered
from .events import (
    AgentHandoff,
    IncomingMessage,
    Message,
    MessageCompleted,
    MessageReceived,
    Participant,
    SessionCreated,
    SessionInfo,
    TurnError,
    Usage,
)
from .policies import Decision, Policy, allow, keyword_gate, max_length, max_messages, refuse, rewrite
from .tools import ToolContext, ToolError

if TYPE_CHECKING:
    from .client import KartaError, NoDaemonError, Reply, Session, StreamEvent

__version__ = "0.1.0"
__all__ = [
    "AgentHandoff",
    "Decision",
    "Discovered",
    "IncomingMessage",
    "Karta",
    "KartaError",
    "Message",
    "MessageCompleted",
    "MessageReceived",
    "NoDaemonError",
    "Participant",
    "Policy",
    "Reply",
    "Session",
    "SessionCreated",
    "SessionInfo",
    "StreamEvent",
    "ToolContext",
    "ToolError",
    "TurnError",
    "Usage",
    "allow",
    "keyword_gate",
    "max_length",
    "max_messages",
    "refuse",
    "rewrite",
]


def __getattr__(name: str) -> Any:
    # The client's modules (http, ssl) cost 5 MB, and an app that Karta runs has no use for them.
    if name in ("KartaError", "NoDaemonError", "Reply", "Session", "StreamEvent"):
        from . import client

        return getattr(client, name)
    raise AttributeError("module 'karta' has no attribute %r" % name)
