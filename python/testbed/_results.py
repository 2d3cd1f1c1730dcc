"""Runs and their results."""

from __future__ import annotations

import functools
import html
import io
import json
import os
import shutil
import tempfile
import warnings as _warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any
from collections.abc import Iterable, Mapping

from . import _controllers, _progress, _testbed

if TYPE_CHECKING:
    import pandas as pd


class TrialWarning(UserWarning):
    """Some trials of a run came to no end, because their controller could not go on."""


class Picture:
    """A figure as SVG, which a notebook shows."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file, which should end in ``.svg``."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<Picture, {len(self.svg)} bytes of SVG>"


class Results:
    """A result folder. Its tables are read from the folder's files, each once.

    Columns are those of the files, with their units in their names; a figure that does not exist is missing, never 0.
    """

    def __init__(
        self,
        dir: str | os.PathLike[str],
        _findings: Mapping[str, Any] | None = None,
        _is_temporary: bool = False,
    ) -> None:
        self.dir = Path(dir)
        """The folder."""
        if _is_temporary:
            weakref.finalize(self, shutil.rmtree, self.dir.parent, ignore_errors=True)
        self._findings = _testbed._read(self.dir) if _findings is None else _findings

    @functools.cached_property
    def trials(self) -> pd.DataFrame:
        """One row for each trial (``trials.csv``)."""
        return self._table("trials")

    @functools.cached_property
    def summary(self) -> pd.DataFrame:
        """Mean and 95 % interval of each figure of each cell (``summary.csv``)."""
        return self._table("summary")

    @functools.cached_property
    def flows(self) -> pd.DataFrame:
        """One row for each flow, direction and trial (``flows.csv``)."""
        return self._table("flows")

    @functools.cached_property
    def groups(self) -> pd.DataFrame:
        """Mean and 95 % interval of each figure of each group of clients and cell (``groups.csv``)."""
        return self._table("groups")

    @functools.cached_property
    def links(self) -> pd.DataFrame:
        """One row for each link, direction and trial (``links.csv``)."""
        return self._table("links")

    @property
    def verdict(self) -> list[str]:
        """Sentences that compare the cells, as far as the intervals support it."""
        return list(self._findings["verdict"])

    @property
    def claims(self) -> list[tuple[bool, str]]:
        """The scenario's claims: if each holds, and in words."""
        return [tuple(claim) for claim in self._findings["claims"]]

    @property
    def warnings(self) -> list[str]:
        """Problems to look at before trusting the figures."""
        return list(self._findings["warnings"])

    @property
    def failed(self) -> list[str]:
        """Trials that came to no end, and why; of a run only, since a folder has the others alone."""
        return list(self._findings["failed"])

    @property
    def manifest(self) -> dict[str, Any]:
        """Version, scenario, command and checksums (``manifest.json``)."""
        return json.loads((self.dir / "manifest.json").read_text(encoding="utf-8"))

    def series(self, cell: int = 0, trial: int = 0, of: str = "flows") -> pd.DataFrame:
        """Samples over time of one trial: ``of`` is ``"flows"``, ``"links"`` or ``"events"``.

        Which trials have them is the scenario's ``[record]``; by default the first of each cell.
        """
        if of not in ("flows", "links", "events"):
            raise ValueError(f'there are no series of {of!r}: write "flows", "links" or "events"')
        return self._table(f"series/{self._named('series', cell)}/trial-{trial}/{of}")

    def histogram(self, cell: int = 0) -> pd.DataFrame:
        """Percentiles of the latency of a cell's messages: ``latency_ms``, ``share`` (0 to 1) and ``count``."""
        import pandas as pd

        path = self._existing(self.dir / "latency" / f"{self._named('latency', cell)}.hgrm")
        columns = ["latency_ms", "share", "count"]
        return pd.read_csv(path, sep=r"\s+", comment="#", skiprows=2, header=None, names=columns, usecols=[0, 1, 2])

    def plot(
        self,
        figure: str = "four-panel",
        *,
        cells: str | int | Iterable[str | int] = (),
        flows: str | Iterable[str] = (),
        groups: str | Iterable[str] = (),
        start_s: float | None = None,
        end_s: float | None = None,
        x: str | None = None,
        y: str | Iterable[str] = (),
        by: str | None = None,
        width_cm: float | None = None,
        font_pt: float | None = None,
    ) -> Picture:
        """A figure by its name in ``testbed plot --figure list``; arguments are those of that command.

        ``cells`` are numbers or texts such as ``"tcp.congestion=reno"``, all of which must hold.
        """
        if isinstance(cells, int):
            cells = str(cells)
        elif not isinstance(cells, str):
            cells = list(cells)
            if any(isinstance(cell, int) for cell in cells):
                cells = ",".join(map(str, cells))
        svg = _testbed._draw(
            self.dir, figure, _texts(cells), _texts(flows), _texts(groups),
            start_s, end_s, x, _texts(y), by, width_cm, font_pt,
        )  # fmt: skip
        return Picture(svg)

    def compare(self, *others: Results | str | os.PathLike[str], paired: str | None = None) -> pd.DataFrame:
        """Sets this folder beside others, one row for each cell.

        ``paired`` is an axis whose first value is set against each other one over pairs of trials with the same
        seed (``"scenario"`` for the folders themselves): differences, ratios, 95 % intervals and a verdict.
        """
        import pandas as pd

        dirs = [self.dir] + [other.dir if isinstance(other, Results) else Path(other) for other in others]
        text, doubts = _testbed._compare(dirs, paired, "csv")
        for doubt in doubts:
            _warnings.warn(doubt, stacklevel=2)
        return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        path = self._existing(self.dir / f"{name}.csv")
        # Words such as "none" and "null" are values; only an empty field is missing.
        return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)

    def _named(self, folder: str, cell: int) -> str:
        """Name of a cell in a folder: its number, with zeros before it where there are more than ten cells."""
        stems = (path.name.partition(".")[0] for path in (self.dir / folder).glob("*"))
        return next((stem for stem in stems if stem.isdecimal() and int(stem) == cell), str(cell))

    def _existing(self, path: Path) -> Path:
        if path.is_file():
            return path
        near = path.parent
        there = sorted(file.name for file in near.glob("*")) if near.is_dir() else []
        held = f"; {near} has {', '.join(there)}" if there else ""
        raise FileNotFoundError(f"there is no {path.relative_to(self.dir)} in {self.dir}{held}")

    def __repr__(self) -> str:
        return "\n".join([self._findings["table"], *self.verdict, *(f"warning: {text}" for text in self.warnings)])

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{html.escape(text)}</p>" for text in self.verdict)
        doubts = "".join(f"<p><b>warning:</b> {html.escape(text)}</p>" for text in self.warnings)
        return f"<pre>{html.escape(self._findings['table'])}</pre>{sentences}{doubts}"


def run(
    scenario: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    pictures: bool = False,
    memory: int | None = None,
    progress: bool | None = None,
) -> Results:
    """Runs a scenario and returns its results.

    ``scenario`` is a file, or the TOML text itself if it has more than one line. ``set`` changes dotted keys as
    ``--set`` of the command line does; a list as value sweeps a key that is an axis. ``jobs`` is the number of
    threads, ``memory`` the bytes that a trial may take. Without ``out`` the results are in a temporary folder, which
    goes with the :class:`Results`. Results in ``out`` of another scenario or other arguments are replaced with ``force``.

    Raises :class:`ScenarioError` where the scenario is wrong; its text has a caret under each place.

    >>> import testbed
    >>> try:
    ...     testbed.run('''
    ... duration = "10s"
    ... trails = 3
    ... [link.wire]
    ... delay = "20ms"
    ... [[clients]]
    ... name = "upload"
    ... path = ["wire"]
    ... app = { kind = "bulk" }
    ... ''')
    ... except testbed.ScenarioError as error:
    ...     print(error.line, error.column)
    ...     print("did you mean `trials`" in str(error))
    3 1
    True
    """
    if jobs is not None and not 1 <= jobs <= 1024:
        raise ValueError(f"jobs is {jobs}: it must be from 1 to 1024 threads")
    if memory is not None and memory < 1:
        raise ValueError(f"memory is {memory}: it must be at least 1 byte")
    sets = sets_of(set)
    sets += [f"{key}={value}" for key, value in (("trials", trials), ("seed", seed)) if value is not None]
    file, text = text_of(scenario)
    place = Path(tempfile.mkdtemp(prefix="testbed-"), Path(file).stem) if out is None else Path(out)
    try:
        findings = _testbed._run(
            file, text, sets, place, jobs, memory, pictures, force,
            _controllers._program(), _progress.shown(progress),
        )  # fmt: skip
    except BaseException:
        if out is None:
            shutil.rmtree(place.parent, ignore_errors=True)
        raise
    for failure in findings["failed"]:
        _warnings.warn(failure, TrialWarning, stacklevel=2)
    return Results(place, findings, out is None)


def load(dir: str | os.PathLike[str]) -> Results:
    """Results of a folder that a run left, by the module or by the command line. Nothing in it changes."""
    return Results(dir)


def text_of(scenario: str | os.PathLike[str]) -> tuple[str, str | None]:
    """File of a scenario; where it is a text, a name for it, and the text."""
    if isinstance(scenario, str) and "\n" in scenario:
        return "scenario.toml", scenario
    return os.fspath(scenario), None


def sets_of(set: Mapping[str, Any] | None) -> list[str]:
    """Dotted keys with their values, as ``--set`` takes them."""
    return [f"{key}={_toml(value)}" for key, value in (set or {}).items()]


def _texts(value: str | Iterable[Any]) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


def _toml(value: Any) -> str:
    """A value as ``--set`` takes it: texts as they are at the top, and quoted within lists and tables."""
    return value if isinstance(value, str) else _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + " }"
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return _inline(value.item())
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Iterable):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    raise TypeError(f"{value!r} is no value of a scenario: write a text, a number, a bool, a list or a dict")
