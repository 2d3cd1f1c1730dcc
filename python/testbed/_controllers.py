"""Congestion controllers as classes."""

from __future__ import annotations

import hashlib
import inspect
import sys
import threading
import types
from typing import Any, Callable, Protocol, TypeVar, overload

from . import _testbed

CALL_LIMIT_S = 5.0
"""Limit of the time of one call into a controller, in seconds, where its class has no ``call_limit_s``."""

C = TypeVar("C", bound=type)

# Sources of the classes that are registered: results after an edit are not those from before.
_sources: dict[str, str] = {}
# Has `script` while its thread reads one, whose controllers go by the script's name.
_loading = threading.local()


class Controller(Protocol):
    """Methods and attributes of a controller; a class need not derive from it.

    Windows are in bytes. The connection reads ``cwnd`` after each call, and, where the object has them,
    ``ssthresh`` (bytes) and ``pacing_rate`` (bits per second, or None). A class may also have ``on_ecn(loss)``
    (``on_loss`` otherwise), ``on_recovered()``, ``on_spurious()``, ``on_idle()`` and ``on_decay(timeouts)``, and
    ``call_limit_s``, the longest time that a call may take.
    """

    cwnd: float

    def __init__(self, path: _testbed.Path) -> None: ...

    def on_ack(self, ack: _testbed.Ack) -> None:
        """Hears of an acknowledgment that brought news."""

    def on_loss(self, loss: _testbed.Loss) -> None:
        """Hears of a loss, once in each recovery episode."""

    def on_timeout(self, loss: _testbed.Loss) -> None:
        """Hears that the retransmission timer expired."""


@overload
def controller(name: C) -> C: ...
@overload
def controller(name: str) -> Callable[[C], C]: ...
def controller(name: Any) -> Any:
    """Makes a class known to scenarios under a name; without one, under the class's own in small letters.

    The class is called with a :class:`Path`, and with its keyword arguments: those with a number as default are
    parameters that a scenario sets under ``[congestion.<name>]``.

    >>> import testbed
    >>> @testbed.controller("gentle")
    ... class Gentle:
    ...     '''Adds a segment for each window, and keeps most of it after a loss.'''
    ...     def __init__(self, path, keep=0.8):
    ...         self.mss, self.keep, self.cwnd = path.mss, keep, path.initial_window
    ...     def on_ack(self, ack):
    ...         if ack.may_grow:
    ...             self.cwnd += self.mss * ack.bytes / self.cwnd
    ...     def on_loss(self, loss):
    ...         self.cwnd = max(self.keep * self.cwnd, 2 * self.mss)
    ...     def on_timeout(self, loss):
    ...         self.cwnd = self.mss
    >>> text = '''
    ... duration = "10s"
    ... [link.wire]
    ... rate = "5mbit"
    ... delay = "20ms"
    ... loss = "1%"
    ... [[clients]]
    ... name = "upload"
    ... path = ["wire"]
    ... app = { kind = "bulk" }
    ... [sweep]
    ... "tcp.congestion" = ["reno", "gentle"]
    ... '''
    >>> goodput = testbed.run(text).trials.set_index("tcp.congestion")["goodput_mbit"]
    >>> bool(goodput["gentle"] > goodput["reno"])
    True
    """
    if isinstance(name, str):
        return lambda cls: _registered(name, cls)
    if isinstance(name, type):
        return _registered(name.__name__.lower(), name)
    raise TypeError('write @testbed.controller or @testbed.controller("name") before a class')


def _registered(name: str, cls: C) -> C:
    described = _described(cls)
    if not hasattr(_loading, "script"):
        _testbed._register(name, cls, *described)
        _sources[name] = _source(cls)
    return cls


def _described(cls: type) -> tuple[str, list[tuple[str, float, bool]], str, float]:
    """Sentence, parameters, source file and limit of a class; an exception if it is no controller."""
    if not isinstance(cls, type):
        raise TypeError(f"{cls!r} is no class")
    for method in ("on_ack", "on_loss", "on_timeout"):
        if not callable(getattr(cls, method, None)):
            raise TypeError(f"class {cls.__name__} has no method {method}")
    limit = getattr(cls, "call_limit_s", CALL_LIMIT_S)
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0.001 <= limit <= 86_400:
        raise ValueError(f"call_limit_s of {cls.__name__} is {limit!r}: it must be from 0.001 to 86400 seconds")
    parameters = [
        (parameter.name, float(parameter.default), isinstance(parameter.default, int))
        for parameter in inspect.signature(cls).parameters.values()
        if isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
    ]
    about = (inspect.getdoc(cls) or "").strip().split("\n")[0] or f"class {cls.__name__} of Python"
    heard: Any = getattr(cls, "on_ack")  # noqa: B009
    code = getattr(heard, "__code__", None)
    return about, parameters, code.co_filename if code else "", float(limit)


def _load(file: str, name: str, text: bytes) -> tuple[Any, ...]:
    """A class of a script, and what :func:`_described` says of it; ``file`` is as the scenario names it."""
    module = types.ModuleType("testbed_script_" + hashlib.sha256(text).hexdigest()[:12])
    module.__file__ = file
    # Dataclasses look for their module.
    sys.modules[module.__name__] = module
    _loading.script = file
    try:
        exec(compile(text, file, "exec"), module.__dict__)
    finally:
        del _loading.script
    if not hasattr(module, name):
        raise AttributeError(f"there is no class {name} in {file}")
    cls = getattr(module, name)
    return (cls, *_described(cls))


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        # Of a class that was typed in, its code.
        members = sorted(vars(cls).items())
        return repr([(name, _code(value)) for name, value in members if not name.startswith("__") or callable(value)])


def _code(value: Any) -> Any:
    code = getattr(value, "__code__", None)
    return (code.co_code, code.co_names, repr(code.co_consts)) if code else repr(value)


def _program() -> tuple[str, str] | None:
    """Name and SHA-256 of the controllers that are registered."""
    if not _sources:
        return None
    return "testbed", hashlib.sha256(repr(sorted(_sources.items())).encode()).hexdigest()
