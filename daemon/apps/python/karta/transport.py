"""HTTP to kartad, over its Unix socket or over a URL, and server-sent events as they come."""

import http.client
import json
import os
import socket
import sys
from typing import Any, Dict, Iterator, Optional, Tuple
from urllib.parse import urlsplit

#: ``sockaddr_un.sun_path`` less its final NUL: 104 bytes on macOS and the BSDs, 108 on Linux.
_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103


class KartaError(Exception):
    """kartad refused a call, or a turn failed. ``code`` is for programs, ``detail`` for people."""

    def __init__(self, code: str, detail: str, status: int, body: Optional[Dict[str, Any]] = None) -> None:
        super().__init__("%s: %s" % (code, detail))
        self.code = code
        self.detail = detail
        #: The HTTP status; 502 for a turn that failed in its stream.
        self.status = status
        #: The whole error body: fields that belong to the code.
        self.body = body or {}


class NoDaemonError(ConnectionError):
    """Nobody listens where kartad should."""


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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Exchange:
    """One request and its answer. ``close`` may be called from another thread, to end a read that waits."""

    def __init__(self, connection: http.client.HTTPConnection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._response: Optional[http.client.HTTPResponse] = None

    def start(self, method: str, path: str, body: Any, headers: Dict[str, str]) -> None:
        """Sends the request. Raises KartaError for an answer of 400 and up, NoDaemonError when nobody listens."""
        content = None if body is None else json.dumps(body).encode("utf-8")
        try:
            self._connection.connect()
        except OSError as error:
            self.close()
            raise NoDaemonError(
                "kartad does not answer at %s (%s); start it with: karta start" % (self._place, error)
            ) from error
        try:
            self._connection.request(method, path, body=content, headers=headers)
            self._response = self._connection.getresponse()
        except http.client.HTTPException as error:
            self.close()
            raise self._broken() from error
        if self._response.status >= 400:
            raise self._refusal(self._response.status)

    def json(self) -> Any:
        content = self._read()
        return json.loads(content) if content else None

    def frames(self) -> Iterator[Dict[str, Any]]:
        """The ``data`` of each server-sent event."""
        data = []
        while True:
            try:
                line = self._answer().readline()
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._broken() from error
            if not line:
                return
            text = line.decode("utf-8").rstrip("\r\n")
            if text.startswith("data:"):
                data.append(text[5:].lstrip(" "))
            elif not text and data:
                yield json.loads("\n".join(data))
                data = []

    def close(self) -> None:
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # a thread that reads wakes up; `close` alone leaves it waiting
            except OSError:
                pass  # it was closed from the other end
        self._connection.close()

    def _answer(self) -> http.client.HTTPResponse:
        if self._response is None:
            raise RuntimeError("the request was not started")
        return self._response

    def _read(self) -> bytes:
        try:
            return self._answer().read()
        except (OSError, http.client.HTTPException) as error:
            raise self._broken() from error
        finally:
            self.close()

    def _refusal(self, status: int) -> KartaError:
        try:
            body = json.loads(self._read())
            return KartaError(body["error"], body["detail"], status, body)
        except (ValueError, KeyError, TypeError):
            return KartaError("internal", "kartad answered %d without saying why" % status, status)

    def _broken(self) -> ConnectionError:
        return ConnectionError("the connection to kartad at %s broke off; `karta status` tells whether it runs" % self._place)


class Transport:
    """Where kartad is. Opens a connection for each request: a kept one could be the last daemon's, after a restart."""

    def __init__(
        self, *, url: Optional[str], socket: Optional[str], api_key: Optional[str], timeout: float
    ) -> None:
        self._url = None if url is None else urlsplit(url)
        if self._url is not None and self._url.scheme not in ("http", "https"):
            raise ValueError("expected a url such as http://127.0.0.1:8000, found %r" % url)
        self._socket = socket_path(socket) if url is None else ""
        # The socket wants no key; one of the environment goes to a URL alone.
        key = api_key if api_key is not None or url is None else os.environ.get("KARTA_API_KEY") or None
        self._headers = {} if key is None else {"Authorization": "Bearer " + key}
        self._timeout = timeout

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.open(method, path, body, "application/json").json()

    def open(self, method: str, path: str, body: Any, accept: str) -> Exchange:
        connection, prefix, place = self._connection()
        headers = {"Accept": accept, **self._headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        exchange = Exchange(connection, place)
        exchange.start(method, prefix + path, body, headers)
        return exchange

    def _connection(self) -> Tuple[http.client.HTTPConnection, str, str]:
        if self._url is None:
            return _UnixConnection(self._socket, self._timeout), "", self._socket
        host, port = self._url.hostname or "", self._url.port
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(host, port, timeout=self._timeout), self._url.path.rstrip("/"), self._url.geturl()
