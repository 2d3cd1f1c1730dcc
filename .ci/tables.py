"""Reads a result folder as a stranger would: with pandas, and by what docs/results.md says of it."""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd

folder = Path(sys.argv[1])
AXES = ["tcp.congestion", "link.access.loss"]

trials = pd.read_csv(folder / "trials.csv")
assert list(trials.columns[:4]) == ["cell", "trial", *AXES], trials.columns
cells = trials["cell"].nunique()
assert len(trials) == cells * trials["trial"].nunique()
assert (trials["goodput_mbit"] > 0).all() and trials["utilisation"].between(0, 1).all()
# The same seeds in every cell.
assert (trials.groupby("trial")["seed"].nunique() == 1).all()

# Means and intervals follow from the rows.
summary = pd.read_csv(folder / "summary.csv").set_index("cell")
for figure in ("goodput_mbit", "retransmits", "latency_p50_ms"):
    means = trials.groupby("cell")[figure].mean()
    assert (means - summary[f"{figure}_mean"]).abs().max() < 1e-3, figure

# Axes are numbers as they are read.
lost = "link.access.loss_percent"
assert all(pd.api.types.is_numeric_dtype(table[lost]) for table in (trials, summary)), summary.dtypes
assert (trials[lost] == trials[AXES[1]].str.rstrip("%").astype(float)).all()
axes = pd.read_csv(folder / "axes.csv")
assert len(axes) == cells * len(AXES) and axes["value"].notna().all()
numbers = axes.pivot(index="cell", columns="axis", values="number")
assert (numbers[AXES[1]] == summary[lost]).all() and numbers[AXES[0]].isna().all()

# Goodput by direction is the sum over flows, which all cross the one shared link, and stays below
# its rate; the headline is the busier direction. Flows repeat their cell's axes.
flows = pd.read_csv(folder / "flows.csv")
assert set(AXES) <= set(flows.columns)
indexed = trials.set_index(["cell", "trial"])
for direction in ("up", "down"):
    sums = flows[flows["direction"] == direction].groupby(["cell", "trial"])["goodput_mbit"].sum()
    difference = sums - indexed[f"goodput_{direction}_mbit"]
    # Flows that start late count from their start, here within milliseconds of the warm-up.
    assert difference.abs().max() < 1e-3, difference
    # Bytes held or under way when the interval began may add to its 10 Mbit/s.
    assert (indexed[f"goodput_{direction}_mbit"] < 10.2).all()
busier = indexed[["goodput_up_mbit", "goodput_down_mbit"]].max(axis=1)
assert (indexed["goodput_mbit"] == busier).all()

# Packets that go in come out, are dropped for a reason, or are still under way.
links = pd.read_csv(folder / "links.csv")
dropped = links["dropped_loss"] + links["dropped_queue"] + links["dropped_corrupt"]
assert ((links["offered"] + links["duplicated"] - links["delivered"] - dropped) >= 0).all()

realised = pd.read_csv(folder / "realised.csv")
assert (realised["verdict"] != "fail").mean() > 0.97, realised[realised["verdict"] == "fail"]

# Series of the first trial of each cell, in order of time.
for cell in range(cells):
    for name in ("flows", "links", "events"):
        series = pd.read_csv(folder / f"series/{cell}/trial-0/{name}.csv")
        assert series["time_s"].is_monotonic_increasing, (cell, name)

# The manifest's sums are those of the files.
manifest = json.loads((folder / "manifest.json").read_text())
sums = manifest["sha256"]
for path, digest in sums.items():
    assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest, path
print(f"{len(trials)} trials in {cells} cells; {len(sums)} files match the manifest")
