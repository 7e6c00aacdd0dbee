"""The ``Karta`` class: an app's own object, and outside an app the way to talk to a running kartad."""

import threading
from typing import TYPE_CHECKING, Any, AsyncIterator, Awaitable, Callable, Dict, Iterator, List, Mapping, Optional
from typing import TypeVar, Union, overload

from . import context
from .context import Discovered
from .events import EVENTS, AgentHandoff, MessageCompleted, MessageReceived, SessionCreated
from .policies import Policy
from .registry import Handler, Registry, name_of
from .target import Target
from .tools import tool_of

if TYPE_CHECKING:
    from typing import Literal

    from .client import Client, Reply, Session, StreamEvent

Function = TypeVar("Function", bound=Callable[..., Any])
_E = TypeVar("_E")
_Hook = Callable[[_E], Union[None, Awaitable[None]]]
Scalar = Union[str, int, float, bool, None]


class Karta:
    """An app, and a client.

    In a project's own code, ``app = Karta()`` is what karta.toml's ``entry_point`` names; hooks, policies and tools are
    registered on it.

    Anywhere else, ``Karta("./my-app")`` talks to the kartad of this machine over its socket, and registers the folder if
    it is not registered yet; ``Karta(project="support-bot", url="http://…")`` talks to one over HTTP. Nothing is asked of
    kartad before the first message.

    folder
        A project's folder.
    project
        A registered project's name. Neither of the two: kartad's default project.
    url
        The public API's base. None: this machine's socket.
    socket
        The socket's path; None: ``$KARTA_SOCKET``, else where kartad puts it.
    api_key
        Sent as a bearer token.
    timeout
        Seconds that a call may take; for ``send`` that is its whole turn. A stream has no such bound.
    """

    def __init__(
        self,
        folder: Optional[str] = None,
        *,
        project: Optional[str] = None,
        url: Optional[str] = None,
        socket: Optional[str] = None,
        api_key: Optional[str] = None,
        timeout: float = 1800,
    ) -> None:
        self._registry = Registry()
        self._target = Target(folder, project, url, socket, api_key, timeout)
        self._client: "Optional[Client]" = None
        self._own_session: "Optional[Session]" = None
        self._opening = threading.RLock()

    def __karta_app__(self) -> Dict[str, int]:
        """How many of each kind are registered.

        Having this method is what makes an object a Karta app: two copies of this package in one process (one
        installed with pip, one that Karta brings) are two classes, so ``isinstance`` would be wrong.
        """
        return self._registry.counts()

    def __karta_registry__(self) -> Registry:
        """What is registered, for Karta's worker."""
        return self._registry

    # --- an app's own code -------------------------------------------------------------------------------------

    @overload
    def on(
        self, event: "Literal['session.created']"
    ) -> "Callable[[_Hook[SessionCreated]], _Hook[SessionCreated]]": ...

    @overload
    def on(
        self, event: "Literal['message.received']"
    ) -> "Callable[[_Hook[MessageReceived]], _Hook[MessageReceived]]": ...

    @overload
    def on(
        self, event: "Literal['message.completed']"
    ) -> "Callable[[_Hook[MessageCompleted]], _Hook[MessageCompleted]]": ...

    @overload
    def on(self, event: "Literal['agent.handoff']") -> "Callable[[_Hook[AgentHandoff]], _Hook[AgentHandoff]]": ...

    def on(self, event: str) -> Callable[[Any], Any]:
        """Runs the decorated function, sync or async, each time ``event`` has happened.

        No turn waits for it. What it raises is logged; after 10 seconds it is given up. A session's events come one
        after the other.
        """
        if event not in EVENTS:
            raise ValueError("there is no event %r; there are: %s" % (event, ", ".join(EVENTS)))

        def register(function: Function) -> Function:
            self._registry.handlers.append(Handler(event, name_of(_callable(function)), function))
            return function

        return register

    def policy(self, function: Policy) -> Policy:
        """Asks ``function`` about every message before its turn. Policies are asked in the order they were added.

        It returns ``allow()`` (or None), ``refuse(message)`` or ``rewrite(text)``, and may be async. A policy that
        raises, returns anything else, or takes more than 5 seconds, refuses. Usable as a decorator.
        """
        self._registry.policies.append(_callable(function))
        return function

    @overload
    def tool(self, function: Function) -> Function: ...

    @overload
    def tool(
        self, *, name: Optional[str] = None, description: Optional[str] = None, timeout: Optional[float] = None
    ) -> Callable[[Function], Function]: ...

    def tool(
        self,
        function: Optional[Function] = None,
        *,
        name: Optional[str] = None,
        description: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Offers the decorated function, sync or async, to the agent.

        Its arguments' types become the tool's schema, and its docstring what the agent reads. Its result is text, or
        anything that JSON can hold. What it raises goes to the agent as an error; ``ToolError`` in your own words.

        timeout
            Seconds that a call may take; 60 when left out.
        """

        def register(function: Function) -> Function:
            self._registry.add_tool(tool_of(_callable(function), name, description, timeout))
            return function

        return register if function is None else register(function)

    @property
    def agents(self) -> List[Discovered]:
        """The agents that Karta found in the folder. Empty outside Karta."""
        return list(context.current.agents)

    @property
    def skills(self) -> List[Discovered]:
        """The skills that Karta found in the folder. Empty outside Karta."""
        return list(context.current.skills)

    # --- a client of kartad ------------------------------------------------------------------------------------

    def session(
        self,
        id: Optional[str] = None,
        *,
        metadata: Optional[Mapping[str, Scalar]] = None,
        agent: Optional[str] = None,
        permission_mode: "Optional[Literal['interactive', 'autonomous']]" = None,
    ) -> "Session":
        """A conversation of its own. With an ``id``: the one of that id. It is created by its first message."""
        from .client import Client, Session

        with self._opening:
            if self._client is None:
                self._client = Client(self._target)
        return Session(self._client, id=id, metadata=metadata, agent=agent, permission_mode=permission_mode)

    async def send(self, text: str, *, agent: Optional[str] = None) -> "Reply":
        """Sends a message in this object's own session and returns the whole reply.

        Raises ``KartaError`` for what kartad refuses and for a turn that fails, ``NoDaemonError`` when it cannot be reached.
        """
        return await self._own().send(text, agent=agent)

    def send_sync(self, text: str, *, agent: Optional[str] = None) -> "Reply":
        """``send``, for code that is not async."""
        return self._own().send_sync(text, agent=agent)

    def stream(self, text: str, *, agent: Optional[str] = None) -> "AsyncIterator[StreamEvent]":
        """Sends a message in this object's own session and yields the turn's events as they come."""
        return self._own().stream(text, agent=agent)

    def stream_sync(self, text: str, *, agent: Optional[str] = None) -> "Iterator[StreamEvent]":
        """``stream``, for code that is not async."""
        return self._own().stream_sync(text, agent=agent)

    def _own(self) -> "Session":
        with self._opening:
            if self._own_session is None:
                self._own_session = self.session()
            return self._own_session


def _callable(function: Any) -> Any:
    if not callable(function):
        raise TypeError("expected a function, found %r" % (function,))
    return function
