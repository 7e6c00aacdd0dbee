"""Which kartad, and which project of it, a ``Karta`` means outside an app."""

from typing import NamedTuple, Optional


class Target(NamedTuple):
    """``Karta``'s own docstring says what each is."""

    folder: Optional[str]
    project: Optional[str]
    url: Optional[str]
    socket: Optional[str]
    api_key: Optional[str]
    timeout: float
