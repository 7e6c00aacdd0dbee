"""Imports an app's entry point and says what came of it, in the forms that daemon/apps/protocol.ts declares."""

import importlib
import importlib.util
import os
import sys
import traceback
from types import ModuleType, TracebackType
from typing import Any, Dict, List, Optional, Tuple, Union

Answer = Dict[str, Any]

MAX_NAMES = 50
MAX_MESSAGE = 2000


def load(spec: str, root: str) -> Tuple[Answer, Any]:
    """Imports ``module`` of ``module:attribute`` from ``root`` and looks the attribute up.

    Returns what came of it, and the app itself when that is `loaded`.

    The app's folder becomes the working folder and comes first on the path, as if the app itself had been started.
    Whatever of Karta's own or of Python's must not be taken from there has to be imported before.
    """
    os.chdir(root)
    sys.path[:] = [root] + [entry for entry in sys.path if entry and os.path.realpath(entry) != root]
    sys.argv = [spec.partition(":")[0]]
    module_name, _, attribute = spec.partition(":")
    module = import_app(module_name, root)
    return look_up(module, attribute) if isinstance(module, ModuleType) else (module, None)


def import_app(module_name: str, root: str) -> Union[ModuleType, Answer]:
    try:
        module = importlib.import_module(module_name)
    except SystemExit as error:
        return {"outcome": "exited", "code": exit_code(error)}
    except ModuleNotFoundError as error:
        return missing_module(error, module_name, root)
    except SyntaxError as error:
        if error.filename is None or not os.path.isfile(error.filename):
            return raised(error, root)  # code the app compiled from a string
        return {
            "outcome": "syntax_error",
            "message": cut("%s: %s" % (type(error).__name__, error.msg)),
            "file": shown(error.filename, root),
            "line": error.lineno,
        }
    except BaseException as error:
        return raised(error, root)

    origin = getattr(module, "__file__", None)
    if origin is None and hasattr(module, "__path__"):
        return {"outcome": "module_missing"}  # a folder without __init__.py: a namespace, nothing was imported
    if origin is None or not inside(origin, root):
        return {"outcome": "module_elsewhere", "file": origin}
    return module


def look_up(module: ModuleType, attribute: str) -> Tuple[Answer, Any]:
    found: Any = module
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            names = [name for name in vars(module) if not name.startswith("_")]
            missing = {"outcome": "attribute_missing", "instances": instances(module), "names": names[:MAX_NAMES]}
            return missing, None
    if not is_app(found):
        kind = "the class" if isinstance(found, type) else "an object of type"
        name = found.__name__ if isinstance(found, type) else type(found).__name__
        what = cut("%s %s" % (kind, name))
        return {"outcome": "not_an_app", "found": what, "instances": instances(module)}, None
    answer = {"outcome": "loaded", "features": found.__karta_app__()}
    registry = getattr(found, "__karta_registry__", None)  # an older copy of this package has none
    return (answer if registry is None else {**answer, "app": registry().described()}), found


def is_app(value: Any) -> bool:
    # Asked of the type: a proxy or mock that answers to every attribute is no app, and neither is the class itself.
    return callable(getattr(type(value), "__karta_app__", None))


def instances(module: ModuleType) -> List[str]:
    return [name for name, value in list(vars(module).items()) if is_app(value)][:MAX_NAMES]


def missing_module(error: ModuleNotFoundError, module_name: str, root: str) -> Answer:
    name = error.name
    if name is None:
        return raised(error, root)  # raised by hand, without a name
    if module_name == name or module_name.startswith(name + "."):
        return {"outcome": "module_missing"}
    file, line = last_frame(error.__traceback__, root)
    package = name.partition(".")[0]
    # With its package there, the missing part is a file of the app's own (or of an installed package): not for pip.
    outcome = "import_missing" if package_exists(package) else "dependency_missing"
    return {"outcome": outcome, "name": cut(name), "file": file, "line": line}


def package_exists(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def raised(error: BaseException, root: str) -> Answer:
    last_line = traceback.format_exception_only(type(error), error)[-1].strip()
    file, line = last_frame(error.__traceback__, root)
    return {"outcome": "raised", "message": cut(last_line), "file": file, "line": line}


def last_frame(trace: Optional[TracebackType], root: str) -> Tuple[Optional[str], Optional[int]]:
    """The deepest frame in the app's own files: where its author can do something about it."""
    frames = [frame for frame in traceback.extract_tb(trace) if inside(frame.filename, root)]
    if not frames:
        return None, None
    return shown(frames[-1].filename, root), frames[-1].lineno


def inside(file: str, root: str) -> bool:
    return os.path.realpath(file).startswith(os.path.join(root, ""))


def shown(file: str, root: str) -> str:
    return os.path.relpath(os.path.realpath(file), root) if inside(file, root) else file


def exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def cut(text: str) -> str:
    return text[:MAX_MESSAGE]
