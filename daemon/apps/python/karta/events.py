"""What hooks and policies are handed. Plain, frozen data; ``from_json`` reads the form that kartad sends."""

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Union


@dataclass(frozen=True)
class SessionInfo:
    """The session an event belongs to, as it was when the event happened."""

    id: str
    project: str
    #: The agent that holds the session now; ``default`` is the folder's own instructions.
    agent: str
    #: What the session was created with: strings, numbers, booleans or None.
    metadata: Mapping[str, Any]
    #: RFC 3339, UTC.
    created_at: str
    parent_id: Optional[str]


@dataclass(frozen=True)
class Participant:
    name: str
    #: ``human`` or ``ai``
    type: str
    display_name: Optional[str]


@dataclass(frozen=True)
class IncomingMessage:
    """A message before its turn: what a policy decides about. Nothing of it is stored yet."""

    text: str
    participant: Optional[Participant]
    #: Which agent it is for.
    agent: str
    session: SessionInfo
    #: Messages that the session has accepted before this one.
    message_count: int


@dataclass(frozen=True)
class Message:
    id: str
    text: str
    #: None for the agent's own messages, and for senders without a name.
    participant: Optional[Participant]


@dataclass(frozen=True)
class Usage:
    input_tokens: int
    output_tokens: int
    total_tokens: int
    #: US dollars; None where the harness does not say.
    cost_usd: Optional[float]


@dataclass(frozen=True)
class TurnError:
    code: str
    message: str


@dataclass(frozen=True)
class SessionCreated:
    """``session.created``: a session was made."""

    session: SessionInfo


@dataclass(frozen=True)
class MessageReceived:
    """``message.received``: a message passed the policies and was stored; its turn runs when its place comes."""

    session: SessionInfo
    turn_id: str
    agent: str
    message: Message


@dataclass(frozen=True)
class MessageCompleted:
    """``message.completed``: a turn has ended. ``status`` is ``completed``, ``cancelled`` or ``failed``."""

    session: SessionInfo
    turn_id: str
    agent: str
    status: str
    #: What the agent said.
    message: Message
    usage: Usage
    #: For ``failed`` only.
    error: Optional[TurnError]


@dataclass(frozen=True)
class AgentHandoff:
    """``agent.handoff``: from now on another of the project's agents holds the session."""

    session: SessionInfo
    from_agent: str
    to_agent: str
    #: None when it was handed over between two turns.
    turn_id: Optional[str]


Event = Union[SessionCreated, MessageReceived, MessageCompleted, AgentHandoff]

EVENTS = ("session.created", "message.received", "message.completed", "agent.handoff")


def session_from_json(told: Mapping[str, Any]) -> SessionInfo:
    return SessionInfo(
        id=told["id"],
        project=told["project"],
        agent=told["agent"],
        metadata=told["metadata"],
        created_at=told["created_at"],
        parent_id=told["parent_id"],
    )


def incoming_from_json(told: Mapping[str, Any]) -> IncomingMessage:
    return IncomingMessage(
        text=told["text"],
        participant=participant_from_json(told["participant"]),
        agent=told["agent"],
        session=session_from_json(told["session"]),
        message_count=told["message_count"],
    )


def event_from_json(told: Mapping[str, Any]) -> Event:
    session = session_from_json(told["session"])
    kind = told["type"]
    if kind == "session.created":
        return SessionCreated(session=session)
    if kind == "message.received":
        return MessageReceived(
            session=session, turn_id=told["turn_id"], agent=told["agent"], message=message_from_json(told["message"])
        )
    if kind == "message.completed":
        error = told["error"]
        return MessageCompleted(
            session=session,
            turn_id=told["turn_id"],
            agent=told["agent"],
            status=told["status"],
            message=message_from_json(told["message"]),
            usage=usage_from_json(told["usage"]),
            error=None if error is None else TurnError(code=error["code"], message=error["message"]),
        )
    if kind == "agent.handoff":
        return AgentHandoff(session=session, from_agent=told["from"], to_agent=told["to"], turn_id=told["turn_id"])
    raise ValueError("unknown event: %s" % kind)


def message_from_json(told: Mapping[str, Any]) -> Message:
    return Message(id=told["id"], text=told["text"], participant=participant_from_json(told["participant"]))


def usage_from_json(told: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=told["input_tokens"],
        output_tokens=told["output_tokens"],
        total_tokens=told["total_tokens"],
        cost_usd=told.get("cost_usd"),
    )


def participant_from_json(told: Optional[Dict[str, Any]]) -> Optional[Participant]:
    if told is None:
        return None
    return Participant(name=told["name"], type=told["type"], display_name=told["display_name"])
