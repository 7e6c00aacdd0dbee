"""Tools: an app's own functions that its agent may call."""

import dataclasses
import enum
import inspect
import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, get_args, get_type_hints

from .events import SessionInfo
from .schema import from_json, object_schema, schema_of

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
#: Seconds a call may take unless the tool says otherwise, and the most it may say.
DEFAULT_TIMEOUT = 60
LONGEST_TIMEOUT = 3600


class ToolError(Exception):
    """Raise it in a tool to tell the agent, in your own words, why the call cannot be answered."""


@dataclass(frozen=True)
class ToolContext:
    """Who calls. A tool that has a parameter of this type gets it; the agent does not see that parameter."""

    session: SessionInfo
    turn_id: str


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    #: JSON Schema of the arguments: an object.
    input_schema: Dict[str, Any]
    timeout_seconds: float
    function: Callable[..., Any]
    #: Parameter → its type.
    types: Mapping[str, Any]
    #: Parameters that are given a ToolContext.
    context_parameters: Tuple[str, ...]

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Calls the function with arguments that are valid by the schema; an awaitable for an async one."""
        given = {name: from_json(value, self.types[name]) for name, value in arguments.items()}
        given.update({name: context for name in self.context_parameters})
        return self.function(**given)

    def described(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
            "timeout_seconds": self.timeout_seconds,
        }


def tool_of(
    function: Callable[..., Any], name: Optional[str], description: Optional[str], timeout: Optional[float]
) -> Tool:
    """Reads a function's signature and docstring. Raises TypeError or ValueError, saying what to write instead."""
    called = name or function.__name__
    if _NAME.match(called) is None:
        raise ValueError("a tool's name is up to 64 letters, digits, _ and -, a letter first; found %r" % called)
    summary, notes = _read_docstring(inspect.getdoc(function) or "")
    told = description or summary
    if not told:
        raise TypeError("the tool %s needs a docstring: the agent decides by it when to call the tool" % called)
    seconds = DEFAULT_TIMEOUT if timeout is None else timeout
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise ValueError("the timeout of %s must be above 0 and at most %d seconds" % (called, LONGEST_TIMEOUT))
    types, properties, required, contexts = _read_parameters(function, called, notes)
    return Tool(called, told, object_schema(properties, required), seconds, function, types, contexts)


def _read_parameters(
    function: Callable[..., Any], called: str, notes: Mapping[str, str]
) -> Tuple[Dict[str, Any], Dict[str, Any], "list[str]", Tuple[str, ...]]:
    hints = get_type_hints(function, include_extras=True)
    types: Dict[str, Any] = {}
    properties: Dict[str, Any] = {}
    required = []
    contexts = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError("the tool %s takes %s; every argument needs a name" % (called, parameter))
        if parameter.name not in hints:
            raise TypeError("the argument %s of the tool %s needs a type" % (parameter.name, called))
        kind = hints[parameter.name]
        if ToolContext in (kind, *get_args(kind)):  # Optional too: Python up to 3.10 makes it so for a default of None
            contexts.append(parameter.name)
            continue
        try:
            schema = schema_of(kind)
        except TypeError as error:
            raise TypeError("the argument %s of the tool %s: %s" % (parameter.name, called, error)) from None
        if parameter.name in notes and "description" not in schema:
            schema = {**schema, "description": notes[parameter.name]}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif isinstance(parameter.default, (str, int, float, bool)):
            schema = {**schema, "default": parameter.default}
        types[parameter.name] = kind
        properties[parameter.name] = schema
    return types, properties, required, tuple(contexts)


_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Return|Raises|Yields|Examples?|Notes?):\s*\Z")
_GOOGLE = re.compile(r"\s+\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)\Z")
_SPHINX = re.compile(r":param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)\Z")


def _read_docstring(text: str) -> Tuple[str, Dict[str, str]]:
    """What stands before the sections, and each argument's own words (Google's form, or Sphinx's)."""
    summary = []
    notes: Dict[str, str] = {}
    section = ""
    last = ""
    for line in text.splitlines():
        heading = _SECTION.match(line)
        sphinx = _SPHINX.match(line)
        if heading is not None:
            section, last = heading.group(1), ""
        elif sphinx is not None:
            section, last = "Args", sphinx.group(1)
            notes[last] = sphinx.group(2)
        elif line.startswith(":"):
            section, last = "Returns", ""
        elif not section:
            summary.append(line)
        elif section in ("Args", "Arguments", "Parameters"):
            google = _GOOGLE.match(line)
            if google is not None:
                last = google.group(1)
                notes[last] = google.group(2)
            elif last and line.strip():
                notes[last] += " " + line.strip()
    return "\n".join(summary).strip(), notes


def result_text(result: Any) -> str:
    """A tool's result as the agent reads it: text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    if result is None:
        return ""
    return json.dumps(result, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return value.value if isinstance(value, enum.Enum) else str(value)  # dates, decimals, paths…
