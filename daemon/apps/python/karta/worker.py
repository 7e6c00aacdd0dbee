"""``python -m karta.worker module:attribute``: loads an app once and runs its hooks, policies and tools for kartad.

JSON-RPC 2.0, one message a line, over the standard input and output that the process was started with; the app gets
others (channel.py). daemon/apps/worker-protocol.ts declares the methods. Only kartad asks. The main thread reads and
imports the app; every other call has a thread of its own, so that one that hangs holds up no other.
"""

import dataclasses
import json
import os
import sys
import threading
import traceback
from typing import Any, BinaryIO, Dict, Optional

from . import context
from .calls import Call, Calls
from .channel import end_process, keep_input_apart, keep_output_apart
from .events import event_from_json, incoming_from_json, session_from_json
from .load import load
from .policies import Decision
from .registry import Registry, name_of
from .tools import ToolContext, ToolError, result_text

Json = Dict[str, Any]

#: Bytes of an answer. A longer one would hold up everything that comes after it.
MAX_ANSWER = 1024 * 1024
MAX_MESSAGE = 2000
APP_ERROR = -32000
METHOD_NOT_FOUND = -32601


class Failed(Exception):
    """The app's code did not do what it should; the text says what, for the log or for the agent."""


class Worker:
    def __init__(self, spec: str, root: str, requests: BinaryIO, answers: int) -> None:
        self._spec = spec
        self._root = root
        self._requests = requests
        self._answers = answers
        self._answering = threading.Lock()
        self._calls = Calls()
        self._registry: Optional[Registry] = None

    def serve(self) -> None:
        """Until kartad closes its end."""
        for line in self._requests:
            request = json.loads(line)
            self._receive(request["id"], request["method"], request["params"])

    def _receive(self, number: int, method: str, params: Json) -> None:
        if method == "load":
            self._answer(number, {"result": self._load(params)})
        elif method == "cancel":
            self._calls.cancel(params["call"], lambda: self._answer(number, {"result": {}}))
        elif method in ("admit", "event", "tool"):
            work = getattr(self, "_" + method)
            self._calls.start(number, lambda call: self._answer(number, self._attempt(work, call, params)))
        else:
            self._answer(number, {"error": {"code": METHOD_NOT_FOUND, "message": "no method %s" % method}})

    def _load(self, params: Json) -> Json:
        context.receive(params["context"])
        answer, app = load(self._spec, self._root)
        if app is not None and "app" in answer:
            self._registry = app.__karta_registry__()
        return answer

    def _attempt(self, work: Any, call: Call, params: Json) -> Json:
        """Never raises: what goes wrong in the app is an answer, and its traceback a matter for the log."""
        try:
            return {"result": work(call, self._registry, params)}
        except BaseException as error:
            return error_answer(told(error))

    def _admit(self, call: Call, registry: Registry, params: Json) -> Json:
        incoming = incoming_from_json(params)
        for policy in registry.policies:
            decision = call.run(policy, incoming)
            if decision is None:
                continue
            if not isinstance(decision, Decision) or decision.kind not in ("allow", "refuse", "rewrite"):
                raise Failed(
                    "the policy %s returned %r; return allow(), refuse(message), rewrite(text) or None"
                    % (name_of(policy), decision)
                )
            if decision.kind == "refuse":
                return {"decision": "refuse", "policy": name_of(policy), "message": decision.text}
            if decision.kind == "rewrite":
                incoming = dataclasses.replace(incoming, text=decision.text)
        return {"decision": "allow", "text": incoming.text}

    def _event(self, call: Call, registry: Registry, params: Json) -> Json:
        call.run(registry.handlers[params["handler"]].function, event_from_json(params["event"]))
        return {}

    def _tool(self, call: Call, registry: Registry, params: Json) -> Json:
        tool = next(tool for tool in registry.tools if tool.name == params["name"])
        caller = ToolContext(session=session_from_json(params["session"]), turn_id=params["turn_id"])
        try:
            return {"content": result_text(call.run(tool.call, params["arguments"], caller))}
        except ToolError as error:
            return {"content": str(error)[:MAX_MESSAGE], "is_error": True}

    def _answer(self, number: int, outcome: Json) -> None:
        try:
            line = line_of(number, outcome)
        except (TypeError, ValueError) as error:  # a decision made by hand, of what JSON has no form for
            line = line_of(number, error_answer(told(error)))
        if len(line) > MAX_ANSWER:
            size = "the answer is %d bytes long; at most %d are taken" % (len(line), MAX_ANSWER)
            line = line_of(number, error_answer(size))
        with self._answering:
            sent = 0
            while sent < len(line):
                sent += os.write(self._answers, line[sent:])


def told(error: BaseException) -> str:
    """An error in words; its traceback is printed, unless the words are the app's own. Never raises, whatever it is."""
    try:
        if isinstance(error, (Failed, ToolError)):
            return str(error)
        print_traceback(error)
    except BaseException:
        pass  # the app has closed its standard error, or the error has no words
    return traceback.format_exception_only(type(error), error)[-1].strip()


def print_traceback(error: BaseException) -> None:
    """Without the frames of this package at its top: the app's author looks for their own."""
    here = os.path.dirname(os.path.abspath(__file__))
    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == here:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def error_answer(message: str) -> Json:
    return {"error": {"code": APP_ERROR, "message": message[:MAX_MESSAGE]}}


def line_of(number: int, outcome: Json) -> bytes:
    # Escaped, a text in Chinese would be twice as long, and over the limit at half of what a message may have. A lone
    # surrogate (of a file's name, say) has no UTF-8 form; the backslash that it gets is what JSON writes for it too.
    text = json.dumps({"jsonrpc": "2.0", "id": number, **outcome}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def main() -> None:
    spec = sys.argv[1]
    root = os.path.realpath(os.environ["KARTA_APP_ROOT"])
    requests = os.fdopen(keep_input_apart(), "rb")
    answers = keep_output_apart()
    try:
        Worker(spec, root, requests, answers).serve()
    except BrokenPipeError:
        pass  # kartad is gone
    end_process(0)


if __name__ == "__main__":
    main()
