import os
from collections.abc import Sequence
from typing import Any, Callable

class TestbedError(Exception):
    """A run, a folder or a figure that cannot be had, and the mend."""

class ScenarioError(TestbedError):
    """A scenario that is wrong: the text has a caret under each place."""

    line: int
    """Line of the first problem, from 1."""
    column: int
    """Column of the first problem, from 1."""
    file: str
    """The scenario file; ``--set`` where the problem lies in an argument."""

class CallLimit(BaseException):
    """A controller's call that took longer than its class allows (``call_limit_s``)."""

class Ack:
    """An acknowledgment that brought news: times in seconds, all else in bytes."""

    @property
    def now_s(self) -> float: ...
    @property
    def bytes(self) -> int: ...
    @property
    def newly_lost(self) -> int: ...
    @property
    def marked(self) -> int: ...
    @property
    def delivered(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def flight(self) -> int: ...
    @property
    def pipe(self) -> int: ...
    @property
    def rtt_s(self) -> float | None: ...
    @property
    def srtt_s(self) -> float: ...
    @property
    def min_rtt_s(self) -> float | None: ...
    @property
    def delivery_rate(self) -> float | None: ...
    @property
    def moved(self) -> bool: ...
    @property
    def app_limited(self) -> bool: ...
    @property
    def in_recovery(self) -> bool: ...
    @property
    def may_grow(self) -> bool: ...

class Loss:
    """A loss, found by acknowledgments or by a timeout, or a mark of ECN."""

    @property
    def now_s(self) -> float: ...
    @property
    def bytes(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def delivered(self) -> int: ...
    @property
    def flight(self) -> int: ...
    @property
    def pipe(self) -> int: ...
    @property
    def new_episode(self) -> bool: ...

class Path:
    """Facts about the path from which a controller is made."""

    @property
    def mss(self) -> int: ...
    @property
    def initial_window(self) -> int: ...
    @property
    def sack(self) -> bool: ...
    @property
    def now_s(self) -> float: ...
    @property
    def rtt_s(self) -> float | None: ...
    def random(self) -> float:
        """A number from 0 to 1, drawn from the trial's seed."""

_Observation = tuple[float, float, float, float, float, float, float, float]

class Steps:
    def __init__(
        self,
        file: str,
        text: str | None,
        sets: list[str],
        group: str,
        step_s: float,
        inner: str | None,
    ) -> None: ...
    def reset(self, seed: int) -> _Observation: ...
    def step(self, window: float | None, rate_mbit: float | None) -> tuple[_Observation, bool]: ...
    @property
    def now_s(self) -> float: ...
    @property
    def duration_s(self) -> float: ...

def _command(program: list[str], arguments: list[str]) -> int: ...
def _run(
    file: str,
    text: str | None,
    sets: list[str],
    out: os.PathLike[str],
    jobs: int | None,
    memory: int | None,
    pictures: bool,
    force: bool,
    program: tuple[str, str] | None,
    tell: Callable[[int, int], None] | None,
) -> dict[str, Any]: ...
def _read(dir: os.PathLike[str]) -> dict[str, Any]: ...
def _draw(
    dir: os.PathLike[str],
    figure: str,
    cells: list[str],
    flows: list[str],
    groups: list[str],
    from_s: float | None,
    to_s: float | None,
    x: str | None,
    y: list[str],
    by: str | None,
    width_cm: float | None,
    font_pt: float | None,
) -> str: ...
def _compare(dirs: Sequence[os.PathLike[str]], paired: str | None, form: str) -> tuple[str, list[str]]: ...
def _register(
    name: str,
    cls: type,
    about: str,
    parameters: list[tuple[str, float, bool]],
    file: str,
    call_limit_s: float,
) -> None: ...
