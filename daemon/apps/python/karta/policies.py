"""Policies: they see a message before its turn, and allow it, refuse it or rewrite its text."""

import re
from dataclasses import dataclass
from typing import Awaitable, Callable, Iterable, Optional, Union

from .events import IncomingMessage


@dataclass(frozen=True)
class Decision:
    """Made by ``allow()``, ``refuse(message)`` or ``rewrite(text)``."""

    #: ``allow``, ``refuse`` or ``rewrite``
    kind: str
    #: What the sender is told (``refuse``), or what the agent gets instead (``rewrite``).
    text: str = ""


Policy = Callable[[IncomingMessage], Union[Optional[Decision], Awaitable[Optional[Decision]]]]


def allow() -> Decision:
    """The message goes on to the next policy; after the last one, to the agent. Returning None means the same."""
    return Decision("allow")


def refuse(message: str) -> Decision:
    """The message goes no further: its sender gets ``message`` with status 422, and nothing is stored."""
    return Decision("refuse", _some_text("refuse", message))


def rewrite(text: str) -> Decision:
    """The message goes on with this text; the original is neither stored nor shown to the agent."""
    return Decision("rewrite", _some_text("rewrite", text))


def max_length(limit: int, message: Optional[str] = None) -> Policy:
    """Refuses texts of more than ``limit`` characters."""
    _at_least_one("max_length", limit)

    def max_length_policy(incoming: IncomingMessage) -> Optional[Decision]:
        length = len(incoming.text)
        if length <= limit:
            return None
        return refuse(message or "a message may have at most %d characters, and this one has %d" % (limit, length))

    return _named("max_length(%d)" % limit, max_length_policy)


def max_messages(limit: int, message: Optional[str] = None) -> Policy:
    """Refuses what comes after a session's first ``limit`` messages."""
    _at_least_one("max_messages", limit)

    def max_messages_policy(incoming: IncomingMessage) -> Optional[Decision]:
        if incoming.message_count < limit:
            return None
        return refuse(message or "this conversation has had its %d messages; start a new one" % limit)

    return _named("max_messages(%d)" % limit, max_messages_policy)


def keyword_gate(keywords: Iterable[str], message: Optional[str] = None) -> Policy:
    """Refuses texts in which one of the words or phrases stands, whole and in any letter case."""
    words = [keywords] if isinstance(keywords, str) else list(keywords)
    if not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError("keyword_gate expects words, such as keyword_gate(['password'])")
    pattern = re.compile("|".join(r"(?<!\w)%s(?!\w)" % re.escape(word.strip()) for word in words), re.IGNORECASE)

    def keyword_gate_policy(incoming: IncomingMessage) -> Optional[Decision]:
        if pattern.search(incoming.text) is None:
            return None
        return refuse(message or "this message holds a word that is not allowed here")

    return _named("keyword_gate", keyword_gate_policy)


def _named(name: str, policy: Policy) -> Policy:
    policy.__qualname__ = name  # what the log calls it
    return policy


def _some_text(name: str, text: str) -> str:
    if not isinstance(text, str) or not text:
        raise TypeError("%s(…) expects a text of at least one character" % name)
    return text


def _at_least_one(name: str, limit: int) -> None:
    if not isinstance(limit, int) or limit < 1:
        raise ValueError("%s expects a whole number of at least 1, found %r" % (name, limit))
