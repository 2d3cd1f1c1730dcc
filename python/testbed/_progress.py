"""Progress of a run: a line on a terminal, a bar in a notebook, nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Callable

WIDTH = 30


def shown(progress: bool | None) -> Callable[[int, int], None] | None:
    """A function that shows how many trials of all are done; None where nothing is to be shown."""
    if progress is False:
        return None
    display = _notebook()
    if display is not None:
        return _Bar(display)
    if progress or sys.stderr.isatty():
        return _line
    return None


def _line(done: int, total: int) -> None:
    filled = WIDTH * done // max(total, 1)
    bar = "=" * filled + " " * (WIDTH - filled)
    sys.stderr.write(f"\r[{bar}] {done}/{total} trials" + ("\r\x1b[K" if done == total else ""))
    sys.stderr.flush()


class _Bar:
    """A bar of the notebook, which is changed where it stands and vanishes at the end."""

    def __init__(self, display: Any) -> None:
        self.display = display
        self.handle: Any = None

    def __call__(self, done: int, total: int) -> None:
        from IPython.display import HTML

        over = done == total
        text = "" if over else f'<progress max="{total}" value="{done}"></progress> {done}/{total} trials'
        if self.handle is None:
            self.handle = self.display(HTML(text), display_id=True)
        else:
            self.handle.update(HTML(text))


def _notebook() -> Any:
    """The function that displays in the notebook that this runs in; None outside one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display
