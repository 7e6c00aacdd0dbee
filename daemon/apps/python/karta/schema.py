"""Python types as JSON Schema, and JSON values as those types: what a tool's arguments are described and read with."""

import dataclasses
import enum
import typing
from collections import abc
from typing import Any, Dict, List, Literal, Tuple, Union, get_args, get_origin, get_type_hints

#: ``X | Y`` of Python 3.10 and newer; earlier ones have no such type.
_UNIONS = (Union, getattr(__import__("types"), "UnionType", Union))
_ARRAYS = (list, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection, abc.Set)
_OBJECTS = (dict, abc.Mapping, abc.MutableMapping)
_SCALARS: Dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def schema_of(kind: Any, within: Tuple[Any, ...] = ()) -> Dict[str, Any]:
    """The JSON Schema of a type.

    Raises TypeError for a type that JSON has no form for. ``within``: the classes around it.
    """
    if kind is Any or kind is object:
        return {}
    if kind is None or kind is type(None):
        return {"type": "null"}
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    if hasattr(kind, "__supertype__"):  # NewType
        return schema_of(kind.__supertype__, within)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None and hasattr(kind, "__metadata__"):  # Annotated[T, "what it is"]
        schema = schema_of(arguments[0], within)
        notes = [note for note in arguments[1:] if isinstance(note, str)]
        return {**schema, "description": notes[0]} if notes else schema
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in _UNIONS:
        return {"anyOf": [schema_of(one, within) for one in arguments]}
    if kind in _ARRAYS or origin in _ARRAYS:
        return {"type": "array", "items": schema_of(arguments[0], within) if arguments else {}}
    if kind is tuple or origin is tuple:
        return _tuple_schema(arguments, within)
    if kind in _OBJECTS or origin in _OBJECTS:
        values = schema_of(arguments[1], within) if arguments else {}
        return {"type": "object", "additionalProperties": values}
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return {"enum": [member.value for member in kind]}
        fields = _fields(kind)
        if fields is not None:
            if kind in within:
                raise TypeError("%s holds itself, which a tool's argument cannot" % kind.__name__)
            return object_schema(
                {name: schema_of(field, (*within, kind)) for name, (field, _) in fields.items()},
                [name for name, (_, required) in fields.items() if required],
            )
    raise TypeError(
        "%s has no form in JSON; use str, int, float, bool, list, dict, Literal, Optional, an Enum, a dataclass or a "
        "TypedDict" % (getattr(kind, "__name__", None) or kind)
    )


def object_schema(properties: Dict[str, Any], required: List[str]) -> Dict[str, Any]:
    schema: Dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def from_json(value: Any, kind: Any) -> Any:
    """A JSON value, valid by ``schema_of(kind)``, as the type. What fits no member of a union stays as it is."""
    if hasattr(kind, "__supertype__"):
        return from_json(value, kind.__supertype__)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None and hasattr(kind, "__metadata__"):
        return from_json(value, arguments[0])
    if kind is float and isinstance(value, int):
        return float(value)
    if origin in _UNIONS:
        member = next((one for one in arguments if _fits(value, one)), Any)
        return from_json(value, member)
    if isinstance(value, list):
        return _list_from_json(value, kind, origin, arguments)
    if isinstance(value, dict):
        if origin in _OBJECTS and arguments:
            return {key: from_json(one, arguments[1]) for key, one in value.items()}
        fields = _fields(kind) if isinstance(kind, type) else None
        if fields is not None:
            read = {name: from_json(one, fields[name][0]) for name, one in value.items() if name in fields}
            return kind(**read)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    return value


def _tuple_schema(arguments: Tuple[Any, ...], within: Tuple[Any, ...]) -> Dict[str, Any]:
    if not arguments:
        return {"type": "array"}
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": schema_of(arguments[0], within)}
    places = [schema_of(one, within) for one in arguments]
    return {"type": "array", "prefixItems": places, "minItems": len(places), "maxItems": len(places)}


def _list_from_json(value: List[Any], kind: Any, origin: Any, arguments: Tuple[Any, ...]) -> Any:
    made = origin or kind
    if made is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(from_json(one, arguments[0]) for one in value)
        return tuple(from_json(one, place) for one, place in zip(value, arguments or (Any,) * len(value)))
    read = [from_json(one, arguments[0]) for one in value] if arguments else value
    if made in (set, abc.Set):
        return set(read)
    return frozenset(read) if made is frozenset else read


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value may be of this member of a union."""
    if kind is type(None) or kind is None:
        return value is None
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return any(value == member.value for member in kind)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in _SCALARS:
        return type(value) is kind
    if isinstance(value, list):
        return (origin or kind) in (*_ARRAYS, tuple)
    if isinstance(value, dict):
        fields = _fields(kind) if isinstance(kind, type) else None
        if fields is None:
            return (origin or kind) in _OBJECTS
        needed = {name for name, (_, required) in fields.items() if required}
        return needed <= set(value) <= set(fields)
    return kind is Any


def _fields(kind: type) -> "typing.Optional[Dict[str, Tuple[Any, bool]]]":
    """A dataclass's or TypedDict's fields: name → type, and whether it must be there. None: it is neither."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True) if hasattr(typing, "Annotated") else get_type_hints(kind)
        missing = dataclasses.MISSING
        return {
            field.name: (hints[field.name], field.default is missing and field.default_factory is missing)
            for field in dataclasses.fields(kind)
            if field.init
        }
    if issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
        hints = get_type_hints(kind)
        return {name: (hint, name in kind.__required_keys__) for name, hint in hints.items()}
    return None
