"""One turn's events, over as many connections as it takes: the rules of shared/client/turn.ts and follow.ts."""

from typing import Any, Dict, Iterator, Optional

from .abort import Abort
from .errors import BrokenConnection, KartaError, NoDaemonError
from .retry import Persistence
from .transport import Exchange, Frame, Transport

Event = Dict[str, Any]

#: The answer's header that names the turn as soon as its message is accepted.
_TURN_HEADER = "Karta-Turn-Id"
#: Errors that end a connection and say nothing of the turn: its events go on in the log.
_READ_ON_AFTER = ("slow_consumer", "internal", "cursor_expired")


class TurnReader:
    """Sends a message and reads what its turn does. Owner: one iterator; ``Abort.abort`` ends it from another thread."""

    def __init__(self, transport: Transport, session_path: str, message: Dict[str, Any], key: str, abort: Abort) -> None:
        self._transport = transport
        self._session_path = session_path
        self._message = {**message, "stream": True}
        self._key = key  # the same for every try: the turn runs once
        self._abort = abort
        #: Events up to here are known.
        self._cursor = 0
        self._turn_id = ""

    def events(self) -> Iterator[Event]:
        """Each event once, in order; ends after ``done`` or ``error``. Raises KartaError, NoDaemonError."""
        persistence = Persistence(self._abort)
        while True:
            try:
                exchange = self._open()
                persistence.taken()
                try:
                    for frame in exchange.frames():
                        persistence.progressed()
                        event = self._new(frame)
                        if event is None:
                            continue
                        yield event
                        if event["type"] in ("done", "error"):
                            return
                finally:
                    exchange.close()
                raise BrokenConnection("the stream ended before its turn")
            except _CutOff as error:
                raise error.reason from None
            except (KartaError, NoDaemonError) as error:
                persistence.recover(error)

    def _open(self) -> Exchange:
        # Until its first event has come there is no place to read on from: then the turn is asked for again, by its key.
        if self._cursor == 0:
            exchange = self._transport.open(
                "POST", self._session_path + "/messages", self._message, abort=self._abort, key=self._key, streams=True
            )
            self._turn_id = self._turn_id or exchange.header(_TURN_HEADER)
            return exchange
        path = "%s/events?after=%d" % (self._session_path, self._cursor)
        return self._transport.open("GET", path, None, abort=self._abort, streams=True)

    def _new(self, frame: Frame) -> Optional[Event]:
        """The event of a frame; None for one that is known, or not of this turn, and for a sign of life."""
        seq, body = frame
        if body is None:
            return None
        if seq is None:
            _require_no_end(body)
            return None
        if seq <= self._cursor:
            return None  # an earlier connection brought it
        self._cursor = seq
        turn_id = str(body.get("turn_id"))
        self._turn_id = self._turn_id or turn_id  # an older kartad's answer has no such header
        return body if turn_id == self._turn_id and body.get("type") not in ("message", "system") else None


class _CutOff(Exception):
    def __init__(self, reason: KartaError) -> None:
        self.reason = reason


def _require_no_end(body: Event) -> None:
    """Raises for an error that is not in the log: the connection is over, the turn is not."""
    told = body.get("data")
    if body.get("type") != "error" or not isinstance(told, dict):
        return
    code, message = str(told.get("code")), str(told.get("message"))
    if code in _READ_ON_AFTER:
        raise BrokenConnection(message)
    raise _CutOff(KartaError(code, message, 502, told))
