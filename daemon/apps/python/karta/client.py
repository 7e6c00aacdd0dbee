"""Sessions of a running kartad: what ``Karta`` is made of outside an app."""

import os
import threading
import uuid
from dataclasses import dataclass
from typing import Any, AsyncIterator, Dict, Iterator, List, Mapping, Optional
from urllib.parse import quote

from .abort import Abort
from .errors import KartaError, NoDaemonError
from .retry import retried
from .target import Target
from .threads import in_thread
from .transport import Transport
from .turn import TurnReader

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

    def project(self, abort: Abort) -> Optional[str]:
        """The project's name; None: kartad's default. Registers the folder if it is not registered."""
        with self._finding:
            if self._folder is not None:
                self._project = self._registered(os.path.realpath(self._folder), abort)
                self._folder = None
            return self._project

    def _registered(self, folder: str, abort: Abort) -> str:
        call = self.transport.call
        listed = retried(lambda: call("GET", "/control/v1/projects", abort=abort), abort)
        for known in listed["data"]:
            if known["path"] == folder and self._project in (None, known["name"]):
                return str(known["name"])
        body = {"path": folder}
        if self._project is not None:
            body["name"] = self._project
        # Adding the same folder by the same name again changes nothing, so it may be repeated.
        added = retried(lambda: call("POST", "/control/v1/projects", body, abort=abort), abort)
        return str(added["project"]["name"])


class Session:
    """A conversation. It is created by its first message, and lives on in kartad.

    A message whose answer gets lost is sent again and runs once; a stream whose connection breaks is read on, each event
    once, over a restart of kartad too.
    """

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
        # Of its creation: tried again by a later message, it is still the same session.
        self._key = _new_key()
        self._creating = threading.Lock()

    @property
    def id(self) -> Optional[str]:
        """None before its first message, unless it was given. Keep it to come back to the conversation."""
        return self._id

    def send_sync(
        self, text: str, *, agent: Optional[str] = None, idempotency_key: Optional[str] = None
    ) -> Reply:
        """Sends a message and returns the whole reply. Raises KartaError, NoDaemonError, TimeoutError.

        idempotency_key
            A key of your own makes the message safe to repeat for your callers too: for a day, the same key and text in
            the same session finds the turn that the first one began. Each message has a key in any case.
        """
        return self._send(_message(text, agent), idempotency_key, Abort())

    async def send(
        self, text: str, *, agent: Optional[str] = None, idempotency_key: Optional[str] = None
    ) -> Reply:
        """``send_sync`` for async code. A task that is cancelled leaves the turn as it is: ``cancel`` ends it."""
        abort = Abort()
        return await in_thread(lambda: self._send(_message(text, agent), idempotency_key, abort), abort)

    def stream_sync(
        self, text: str, *, agent: Optional[str] = None, idempotency_key: Optional[str] = None
    ) -> Iterator[StreamEvent]:
        """Sends a message and yields the turn's events as they come; the last is ``done``.

        Raises KartaError when the turn fails. Leaving early does not end the turn: ``cancel_sync`` does.
        """
        abort = Abort()
        try:
            yield from self._stream(_message(text, agent), idempotency_key, abort)
        finally:
            abort.abort()

    async def stream(
        self, text: str, *, agent: Optional[str] = None, idempotency_key: Optional[str] = None
    ) -> AsyncIterator[StreamEvent]:
        """``stream_sync`` for async code: reading waits in a thread."""
        abort = Abort()
        events = self._stream(_message(text, agent), idempotency_key, abort)
        try:
            while True:
                event = await in_thread(lambda: next(events, None), abort)
                if event is None:
                    return
                yield event
        finally:
            abort.abort()

    def answer_sync(
        self,
        request_id: str,
        decision: str,
        *,
        message: Optional[str] = None,
        answers: Optional[Mapping[str, str]] = None,
    ) -> List[StreamEvent]:
        """Answers an approval (``approve_once``, ``approve_session``, ``deny``) and returns what the turn does next."""
        return self._answer(request_id, _answer(decision, message, answers), Abort())

    async def answer(
        self,
        request_id: str,
        decision: str,
        *,
        message: Optional[str] = None,
        answers: Optional[Mapping[str, str]] = None,
    ) -> List[StreamEvent]:
        """``answer_sync`` for async code."""
        abort = Abort()
        return await in_thread(lambda: self._answer(request_id, _answer(decision, message, answers), abort), abort)

    def cancel_sync(self) -> None:
        """Ends the running turn. Raises KartaError ``no_turn_running``."""
        self._cancel(Abort())

    async def cancel(self) -> None:
        """``cancel_sync`` for async code."""
        abort = Abort()
        await in_thread(lambda: self._cancel(abort), abort)

    def _send(self, message: Dict[str, Any], key: Optional[str], abort: Abort) -> Reply:
        path = self._path("/messages", abort)
        sent = key or _new_key()
        call = self._client.transport.call
        answer = retried(lambda: call("POST", path, message, abort=abort, key=sent), abort)
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

    def _stream(self, message: Dict[str, Any], key: Optional[str], abort: Abort) -> Iterator[StreamEvent]:
        path = self._path("", abort)
        for told in TurnReader(self._client.transport, path, message, key or _new_key(), abort).events():
            event = _event(told)
            if event.type == "error":
                raise KartaError(event.data["code"], event.data["message"], 502, event.data)
            yield event

    def _answer(self, request_id: str, body: Dict[str, Any], abort: Abort) -> List[StreamEvent]:
        path = self._path("/inputs/" + _in_path("request_id", request_id), abort)
        answer = self._client.transport.call("PUT", path, body, abort=abort)
        return [_event(one) for one in answer["events"]]

    def _cancel(self, abort: Abort) -> None:
        self._client.transport.call("POST", self._path("/cancel", abort), abort=abort)

    def _path(self, rest: str, abort: Abort) -> str:
        """Creates the session where it has no id yet."""
        with self._creating:
            if self._id is None:
                project = self._client.project(abort)
                body = self._wanted if project is None else {**self._wanted, "project": project}
                call = self._client.transport.call
                created = retried(lambda: call("POST", "/v1/sessions", body, abort=abort, key=self._key), abort)
                self._id = str(created["id"])
            return "/v1/sessions/" + _in_path("session id", self._id) + rest


def _in_path(what: str, given: str) -> str:
    """An id as a step of a path. No escape makes one of nothing, one dot or two dots: a proxy may walk by them."""
    if given in ("", ".", ".."):
        raise KartaError("not_found", "%s: expected an id, found %r" % (what, given), 404)
    return quote(given, safe="")


def _new_key() -> str:
    return uuid.uuid4().hex


def _message(text: str, agent: Optional[str]) -> Dict[str, Any]:
    return {"text": text} if agent is None else {"text": text, "agent": agent}


def _answer(decision: str, message: Optional[str], answers: Optional[Mapping[str, str]]) -> Dict[str, Any]:
    given = {"decision": decision, "message": message, "answers": answers}
    return {name: value for name, value in given.items() if value is not None}


def _event(told: Mapping[str, Any]) -> StreamEvent:
    return StreamEvent(type=told["type"], seq=told["seq"], data=told["data"])
