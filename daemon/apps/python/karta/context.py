"""What Karta tells an app about its folder before it imports it: one line of JSON on the standard input."""

import json
from dataclasses import dataclass
from typing import Any, Dict, List


@dataclass(frozen=True)
class Discovered:
    """An agent or a skill that Karta found in the project's folder."""

    name: str
    description: str
    #: Relative to the folder.
    path: str


@dataclass
class Context:
    """Empty when the module is imported by hand, in an editor or a test, say."""

    agents: List[Discovered]
    skills: List[Discovered]


#: Filled by check.py and worker.py before the app is imported.
current = Context(agents=[], skills=[])


def receive(told: Dict[str, Any]) -> None:
    current.agents = [Discovered(**one) for one in told["agents"]]
    current.skills = [Discovered(**one) for one in told["skills"]]


def receive_line(line: str) -> None:
    if line.strip():
        receive(json.loads(line))
