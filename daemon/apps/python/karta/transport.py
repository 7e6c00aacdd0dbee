"""HTTP to kartad, over its Unix socket or over a URL, and server-sent events as they come."""

import errno
import http.client
import json
import os
import re
import socket
import sys
from typing import Any, Dict, Iterator, NamedTuple, NoReturn, Optional, Tuple
from urllib.parse import urlsplit

from .abort import Abort
from .errors import BrokenConnection, KartaError, NoDaemonError, UnreadableAnswer

#: ``sockaddr_un.sun_path`` less its final NUL: 104 bytes on macOS and the BSDs, 108 on Linux.
_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103
#: Seconds until somebody must have taken the connection.
_CONNECT_TIMEOUT = 10.0
#: Seconds without a word on a stream, on which kartad pings every 15: the other end is gone and nobody said so.
_SILENCE = 50.0
#: Bytes of one line of a stream. The longest is a ``done``, which holds the turn's whole message.
_LONGEST_LINE = 64 * 1024 * 1024


def socket_path(given: Optional[str]) -> str:
    """The same rules as shared/paths.ts. Raises ValueError for one that is longer than this system takes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = os.path.abspath(
        given
        or os.environ.get("KARTA_SOCKET")
        or (
            os.path.join(runtime, "karta", "kartad.sock")
            if runtime
            else os.path.join(os.path.expanduser("~"), ".karta", "run", "kartad.sock")
        )
    )
    length = len(os.fsencode(path))
    if length > _LONGEST_SOCKET_PATH:
        raise ValueError(
            "the socket path is %d bytes long and this system takes %d: %s; set KARTA_SOCKET to a shorter one"
            % (length, _LONGEST_SOCKET_PATH, path)
        )
    return path


class Frame(NamedTuple):
    """One server-sent event; neither field for a sign of life."""

    #: Its place in the session's log; None for one that is not in it.
    seq: Optional[int]
    body: Optional[Dict[str, Any]]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        # Another user's program may stand where kartad's socket was looked for; only root speaks to others' kartads.
        if os.getuid() not in (0, os.stat(self._path).st_uid):
            raise PermissionError(errno.EACCES, "the socket belongs to another user", self._path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Exchange:
    """One request and its answer. ``close`` may be called from another thread, to end a read that waits."""

    def __init__(self, connection: http.client.HTTPConnection, place: str, timeout: float) -> None:
        self._connection = connection
        self._place = place
        #: Seconds that a read may wait.
        self._timeout = timeout
        # The connection forgets its socket when the answer says that it is the last one.
        self._socket: Optional[socket.socket] = None
        self._response: Optional[http.client.HTTPResponse] = None

    def start(self, method: str, path: str, body: Any, headers: Dict[str, str]) -> None:
        """Sends the request. Raises KartaError for an answer that is no success, NoDaemonError when there is none."""
        content = None if body is None else json.dumps(body).encode("utf-8")
        try:
            self._connection.connect()
        except OSError as error:
            self.close()
            raise NoDaemonError(
                "kartad does not answer at %s (%s); `karta status` tells whether it runs, `karta start` starts it"
                % (self._place, error)
            ) from error
        self._socket = self._connection.sock
        self._socket.settimeout(self._timeout)
        try:
            try:
                self._connection.request(method, path, body=content, headers=headers)
            except OSError:
                pass  # what is refused before its end (a body that is too large) may have its answer all the same
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._broke(error)
        if not 200 <= self._response.status < 300:
            raise self._refusal(self._response)

    def header(self, name: str) -> str:
        """Empty where the answer has none."""
        return self._answer().headers.get(name, "")

    def json(self) -> Any:
        content = self._read()
        try:
            return json.loads(content) if content else None
        except ValueError:
            raise UnreadableAnswer(self._answer().status, "the answer of %s is not JSON" % self._place) from None

    def frames(self) -> Iterator[Frame]:
        """Each server-sent event and each comment; ends where the body ends, and passes over what is cut off there."""
        data = []
        seq: Optional[int] = None
        while True:
            line = self._line()
            if not line.endswith(b"\n"):
                return
            field, _, value = line.decode("utf-8").rstrip("\r\n").partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "data":
                data.append(value)
            elif field == "id":
                seq = int(value) if re.fullmatch("[0-9]{1,15}", value) else None
            elif not field and not value:
                if data:
                    yield Frame(seq, _object(data))
                data, seq = [], None
            elif not field:
                yield Frame(None, None)

    def close(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)  # a thread that reads wakes up; `close` alone leaves it waiting
            except OSError:
                pass  # it was closed from the other end
        self._connection.close()

    def _answer(self) -> http.client.HTTPResponse:
        if self._response is None:
            raise RuntimeError("the request was not started")
        return self._response

    def _line(self) -> bytes:
        try:
            line = self._answer().readline(_LONGEST_LINE)
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: closed by another thread
            self._broke(error)
        if len(line) == _LONGEST_LINE:
            raise UnreadableAnswer(200, "%s sent an event of more than %d bytes" % (self._place, _LONGEST_LINE))
        return line

    def _read(self) -> bytes:
        try:
            return self._answer().read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._broke(error)
        finally:
            self.close()

    def _refusal(self, response: http.client.HTTPResponse) -> KartaError:
        status = response.status
        try:
            body = json.loads(self._read())
            after = response.headers.get("Retry-After", "")
            return KartaError(body["error"], body["detail"], status, body, float(after) if after.isdigit() else None)
        except (ValueError, KeyError, TypeError):
            return UnreadableAnswer(status, "%s answered %d without saying why" % (self._place, status))

    def _broke(self, error: Exception) -> NoReturn:
        self.close()
        raise BrokenConnection(
            "the connection to kartad at %s broke off (%s); `karta status` tells whether it runs"
            % (self._place, error or type(error).__name__)
        ) from error


class Transport:
    """Where kartad is. Opens a connection for each request: a kept one could be the last daemon's, after a restart."""

    def __init__(
        self, *, url: Optional[str], socket: Optional[str], api_key: Optional[str], timeout: float
    ) -> None:
        self._url = None if url is None else urlsplit(url)
        if self._url is not None and (self._url.scheme not in ("http", "https") or not self._url.hostname):
            raise ValueError("url: expected one such as http://127.0.0.1:8000")
        if self._url is not None and "@" in self._url.netloc:
            raise ValueError("url: expected no user and password; give the key as api_key")
        if api_key is not None and re.fullmatch("[!-~]+", api_key) is None:
            raise ValueError("api_key: expected visible ASCII characters alone")  # and the key is in no error
        self._socket = socket_path(socket) if url is None else ""
        # The socket wants no key; one of the environment goes to a URL alone.
        key = api_key if api_key is not None or url is None else os.environ.get("KARTA_API_KEY") or None
        self._headers = {} if key is None else {"Authorization": "Bearer " + key}
        self._timeout = timeout

    def call(
        self, method: str, path: str, body: Any = None, *, abort: Optional[Abort] = None, key: Optional[str] = None
    ) -> Any:
        """Calls once, and returns the answer's JSON."""
        try:
            return self.open(method, path, body, abort=abort or Abort(), key=key).json()
        except BrokenConnection as error:
            if isinstance(error.__cause__, socket.timeout):
                raise TimeoutError(
                    "kartad took longer than %g seconds to answer; what it does goes on. Raise Karta(timeout=…), or stream"
                    % self._timeout
                ) from error
            raise

    def open(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        abort: Abort,
        key: Optional[str] = None,
        streams: bool = False,
    ) -> Exchange:
        """Sends a request; returns when its answer begins. ``key`` makes it safe to repeat; ``streams``: as events."""
        connection, prefix, place = self._connection()
        headers = {"Accept": "text/event-stream" if streams else "application/json", **self._headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        exchange = Exchange(connection, place, _SILENCE if streams else self._timeout)
        abort.hold(exchange)
        exchange.start(method, prefix + path, body, headers)
        return exchange

    def _connection(self) -> Tuple[http.client.HTTPConnection, str, str]:
        patience = min(self._timeout, _CONNECT_TIMEOUT)
        if self._url is None:
            return _UnixConnection(self._socket, patience), "", self._socket
        host, port = self._url.hostname or "", self._url.port
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(host, port, timeout=patience), self._url.path.rstrip("/"), self._url.geturl()


def _object(lines: "list[str]") -> Optional[Dict[str, Any]]:
    """None for what is no JSON object: nothing that this version knows of."""
    try:
        body = json.loads("\n".join(lines))
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
