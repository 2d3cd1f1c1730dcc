# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# TITLE

# %%
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# Command that runs the testbed; None is what is found here: the module in this Python, else `testbed` on the PATH,
# else cargo, in a clone around this folder.
command = None
results = Path("results")
plt.rcParams.update({"figure.figsize": (9, 4), "axes.grid": True, "grid.alpha": 0.3})


def command_found():
    """The command that runs the testbed here."""
    if command is not None:
        return [command]
    if importlib.util.find_spec("testbed"):
        return [sys.executable, "-m", "testbed"]
    if shutil.which("testbed"):
        return ["testbed"]
    return ["cargo", "run", "--release", "--quiet", "--"]


def testbed(*arguments):
    """Runs the testbed and prints what it says; its exit code."""
    words, streams = [*command_found(), *arguments], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(words, **streams, encoding="utf-8")
    print(done.stdout)
    return done.returncode


def predicted(*questions):
    """Goes on only if each of these questions has a prediction in answers.toml."""
    text = Path("answers.toml").read_text(encoding="utf-8")
    for question in questions:
        part = re.search(rf"^\[{question}\](.*?)(?=^\[|\Z)", text, re.M | re.S)
        written = part and re.search(r"^prediction *= *(.*?) *$", part[1], re.M)
        if not written or written[1] in ("", '""', "''", "[]"):
            raise SystemExit(f"Write your prediction for `{question}` into answers.toml first; then run this cell again.")


def table(name):
    """A table of the results, of all cells and trials."""
    return pd.read_csv(results / f"{name}.csv")


def series(cell, name):
    """Samples over time of the first trial of a cell: `flows`, `links` or `events`."""
    folders = {int(folder.name): folder for folder in (results / "series").iterdir()}
    return pd.read_csv(folders[cell] / "trial-0" / f"{name}.csv")


def run():
    """Runs the scenario, or what is left of it."""
    manifest = results / "manifest.json"
    if manifest.is_file() and json.loads(manifest.read_text(encoding="utf-8"))["finished"]:
        return
    if testbed("run", "scenario.toml", "--out", str(results), "--no-plots", "--resume"):
        raise SystemExit("The run failed; see above.")


def cells(**values):
    """Numbers of the cells with these values of axes, by the last word of their names: cells(congestion="reno")."""
    trials = table("trials")
    for axis, value in values.items():
        column = next(name for name in trials.columns if name.split(".")[-1] == axis)
        trials = trials[trials[column].astype(str) == value]
    return sorted(trials["cell"].unique())
