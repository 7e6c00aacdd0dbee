"""Karta for Python apps.

    from karta import Karta

    app = Karta()

``entry_point = "app:app"`` in karta.toml names the instance; Karta imports the module and looks it up.
Standard library only, Python 3.9 and newer.
"""

from typing import Any, Dict, List

__all__ = ["Karta"]
__version__ = "0.1.0"


class Registry:
    """What an app has registered. Empty: this version of Karta takes no hooks yet.

    handlers
        What runs on an event of a session.
    policies
        What may refuse a message before a turn starts.
    tools
        What the agent may call.

    A later version fills these through methods of ``Karta``; the lists are here so that the check of an entry
    point already counts the real thing.
    """

    def __init__(self) -> None:
        self.handlers: List[Any] = []
        self.policies: List[Any] = []
        self.tools: List[Any] = []


class Karta:
    """An app. One instance a module, named by karta.toml's ``entry_point``."""

    def __init__(self) -> None:
        self._registry = Registry()

    def __karta_app__(self) -> Dict[str, int]:
        """How many of each kind are registered.

        Having this method is what makes an object a Karta app: two copies of this package in one process (one
        installed with pip, one that Karta brings) are two classes, so ``isinstance`` would be wrong.
        """
        return {
            "handlers": len(self._registry.handlers),
            "policies": len(self._registry.policies),
            "tools": len(self._registry.tools),
        }
