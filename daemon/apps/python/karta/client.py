"""Sessions of a running kartad: what ``Karta`` is made of outside an app."""

import os
import threading
from dataclasses import dataclass
from typing import Any, AsyncIterator, Dict, Iterator, List, Mapping, Optional

from .target import Target
from .transport import Exchange, KartaError, NoDaemonError, Transport

__all__ = ["Client", "KartaError", "NoDaemonError", "Reply", "Session", "StreamEvent"]


@dataclass(frozen=True)
class Reply:
    """A turn's answer."""

    text: str
    #: ``completed``, ``cancelled``, or ``input_required``: then ``pending_input`` says what for.
    status: str
    session_id: str
    turn_id: str
    agent: str
    usage: Dict[str, Any]
    #: The message that was sent, and the reply with its parts.
    messages: List[Dict[str, Any]]
    pending_input: Optional[Dict[str, Any]]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class StreamEvent:
    """One event of a turn: ``text``, ``tool_use``, ``input_required``, ``done``…"""

    type: str
    seq: int
    data: Dict[str, Any]

    @property
    def text(self) -> str:
        """The words that a ``text`` event adds; empty for every other."""
        return str(self.data["part"]["text"]) if self.type == "text" else ""


class Client:
    """Owner: its ``Karta``. Finds the project once, at the first session."""

    def __init__(self, target: Target) -> None:
        if target.folder is not None and target.url is not None:
            raise ValueError("a folder can be registered over this machine's socket only; with a url, name the project")
        self.transport = Transport(
            url=target.url, socket=target.socket, api_key=target.api_key, timeout=target.timeout
        )
        self._folder = target.folder
        self._project = target.project
        self._finding = threading.Lock()

    def project(self) -> Optional[str]:
        """The project's name; None: kartad's default. Registers the folder if it is not registered."""
        with self._finding:
            if self._folder is not None:
                self._project = self._registered(os.path.realpath(self._folder))
                self._folder = None
            return self._project

    def _registered(self, folder: str) -> str:
        for known in self.transport.call("GET", "/control/v1/projects")["data"]:
            if known["path"] == folder and self._project in (None, known["name"]):
                return str(known["name"])
        body = {"path": folder}
        if self._project is not None:
            body["name"] = self._project
        return str(self.transport.call("POST", "/control/v1/projects", body)["project"]["name"])


class Session:
    """A conversation. It is created by its first message, and lives on in kartad."""

    def __init__(
        self,
        client: Client,
        *,
        id: Optional[str],
        metadata: Optional[Mapping[str, Any]],
        agent: Optional[str],
        permission_mode: Optional[str],
    ) -> None:
        self._client = client
        self._id = id
        given = {"metadata": metadata, "agent": agent, "permission_mode": permission_mode}
        self._wanted = {name: value for name, value in given.items() if value is not None}
        self._creating = threading.Lock()

    @property
    def id(self) -> Optional[str]:
        """None before its first message, unless it was given. Keep it to come back to the conversation."""
        return self._id

    def send_sync(self, text: str, *, agent: Optional[str] = None) -> Reply:
        """Sends a message and returns the whole reply. Raises KartaError, NoDaemonError."""
        answer = self._client.transport.call("POST", self._path("/messages"), _message(text, agent))
        return Reply(
            text=answer["text"],
            status=answer["status"],
            session_id=answer["session_id"],
            turn_id=answer["turn_id"],
            agent=answer["agent"],
            usage=answer["usage"],
            messages=answer["messages"],
            pending_input=answer.get("pending_input"),
        )

    async def send(self, text: str, *, agent: Optional[str] = None) -> Reply:
        """``send_sync`` for async code: it runs in a thread."""
        import asyncio

        return await asyncio.to_thread(self.send_sync, text, agent=agent)

    def stream_sync(self, text: str, *, agent: Optional[str] = None) -> Iterator[StreamEvent]:
        """Sends a message and yields the turn's events as they come; the last is ``done``.

        Raises KartaError when the turn fails. Leaving early does not end the turn: ``cancel_sync`` does.
        """
        exchange = self._open_turn(text, agent)
        try:
            yield from _events(exchange)
        finally:
            exchange.close()

    async def stream(self, text: str, *, agent: Optional[str] = None) -> AsyncIterator[StreamEvent]:
        """``stream_sync`` for async code: reading waits in a thread."""
        import asyncio

        exchange = await asyncio.to_thread(self._open_turn, text, agent)
        events = _events(exchange)
        try:
            while True:
                event = await asyncio.to_thread(next, events, None)
                if event is None:
                    return
                yield event
        finally:
            exchange.close()  # a thread that still reads comes back

    def answer_sync(
        self,
        request_id: str,
        decision: str,
        *,
        message: Optional[str] = None,
        answers: Optional[Mapping[str, str]] = None,
    ) -> List[StreamEvent]:
        """Answers an approval (``approve_once``, ``approve_session``, ``deny``) and returns what the turn does next."""
        given = {"decision": decision, "message": message, "answers": answers}
        body = {name: value for name, value in given.items() if value is not None}
        answer = self._client.transport.call("PUT", self._path("/inputs/" + request_id), body)
        return [_event(one) for one in answer["events"]]

    async def answer(
        self,
        request_id: str,
        decision: str,
        *,
        message: Optional[str] = None,
        answers: Optional[Mapping[str, str]] = None,
    ) -> List[StreamEvent]:
        """``answer_sync`` for async code."""
        import asyncio

        return await asyncio.to_thread(self.answer_sync, request_id, decision, message=message, answers=answers)

    def cancel_sync(self) -> None:
        """Ends the running turn. Raises KartaError ``no_turn_running``."""
        self._client.transport.call("POST", self._path("/cancel"))

    async def cancel(self) -> None:
        """``cancel_sync`` for async code."""
        import asyncio

        await asyncio.to_thread(self.cancel_sync)

    def _open_turn(self, text: str, agent: Optional[str]) -> Exchange:
        body = {**_message(text, agent), "stream": True}
        return self._client.transport.open("POST", self._path("/messages"), body, "text/event-stream")

    def _path(self, rest: str) -> str:
        with self._creating:
            if self._id is None:
                project = self._client.project()
                body = self._wanted if project is None else {**self._wanted, "project": project}
                self._id = str(self._client.transport.call("POST", "/v1/sessions", body)["id"])
            return "/v1/sessions/" + self._id + rest


def _message(text: str, agent: Optional[str]) -> Dict[str, Any]:
    return {"text": text} if agent is None else {"text": text, "agent": agent}


def _event(told: Mapping[str, Any]) -> StreamEvent:
    return StreamEvent(type=told["type"], seq=told["seq"], data=told["data"])


def _events(exchange: Exchange) -> Iterator[StreamEvent]:
    for frame in exchange.frames():
        event = _event(frame)
        if event.type == "error":
            raise KartaError(event.data["code"], event.data["message"], 502, event.data)
        yield event
        if event.type == "done":
            return
    raise ConnectionError("the stream ended before its turn; read on with the session's id")
