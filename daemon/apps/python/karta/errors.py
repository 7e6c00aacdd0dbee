"""What goes wrong between a program and kartad."""

from typing import Any, Dict, Optional


class KartaError(Exception):
    """kartad refused a call, or a turn failed. ``code`` is for programs, ``detail`` for people."""

    def __init__(
        self,
        code: str,
        detail: str,
        status: int,
        body: Optional[Dict[str, Any]] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__("%s: %s" % (code, detail))
        self.code = code
        self.detail = detail
        #: The HTTP status; 502 for a turn that failed in its stream.
        self.status = status
        #: The whole error body: fields that belong to the code.
        self.body = body or {}
        #: Seconds after which kartad asks to be tried again; None where it does not say.
        self.retry_after = retry_after


class UnreadableAnswer(KartaError):
    """Something answered, and not as kartad does: a proxy's own page, say."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__("internal", what, status)


class NoDaemonError(ConnectionError):
    """kartad cannot be reached: nobody listens where it should, or the connection broke and did not come back in a minute."""


class BrokenConnection(NoDaemonError):
    """It ended before the answer did. kartad may have taken the request."""


class Aborted(Exception):
    """Whoever waited for the call has left. Nobody sees this one."""
