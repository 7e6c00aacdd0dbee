"""What an app has registered: what runs on an event, what decides about messages, what the agent may call."""

from typing import Any, Callable, Dict, List, NamedTuple

from .policies import Policy
from .tools import Tool

#: More are no tools that an agent keeps apart.
MAX_TOOLS = 64


class Handler(NamedTuple):
    #: ``message.received``, say.
    event: str
    name: str
    function: Callable[[Any], Any]


class Registry:
    """Owner: its ``Karta``."""

    def __init__(self) -> None:
        self.handlers: List[Handler] = []
        self.policies: List[Policy] = []
        self.tools: List[Tool] = []

    def add_tool(self, tool: Tool) -> None:
        if any(tool.name == other.name for other in self.tools):
            raise ValueError("there are two tools named %s" % tool.name)
        if len(self.tools) >= MAX_TOOLS:
            raise ValueError("an app may have at most %d tools" % MAX_TOOLS)
        self.tools.append(tool)

    def counts(self) -> Dict[str, int]:
        return {"handlers": len(self.handlers), "policies": len(self.policies), "tools": len(self.tools)}

    def described(self) -> Dict[str, Any]:
        """As daemon/apps/protocol.ts declares it (``AppDescription``)."""
        return {
            "handlers": [{"event": handler.event, "name": handler.name} for handler in self.handlers],
            "policies": [name_of(policy) for policy in self.policies],
            "tools": [tool.described() for tool in self.tools],
        }


def name_of(function: Any) -> str:
    """For logs."""
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)[:200]
