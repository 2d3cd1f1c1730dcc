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
# # Lab 1: what does Reno do when the network loses packets?
#
# Twenty people chat while four others upload as fast as they can. Everybody sits behind a link that
# loses packets at random, and all share one 10 Mbit/s bottleneck (`scenarios/loss10.toml`). We let
# the same thing happen with Reno and with no congestion control at all, at 0, 1, 3 and 10 % loss.
#
# Three habits to practise here: **predict before you look**, **ask what limits the sender**, and
# **compare a measurement with a formula where the formula's assumptions hold, and say where they
# do not**. Plan about 60 minutes.
#
# Run the cells from top to bottom. Everything is read from CSV files; nothing here knows how they
# were made, so you may change the scenario and run the same notebook again.

# %% tags=["parameters"]
# Folder of results, and the command that makes them if they are not there; None is what is found here: the module
# in this Python, else `testbed` on the PATH, else cargo in a clone.
results = "results/loss10"
testbed = None

# %%
import importlib.util
import math
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# The notebook may be started from the project's folder or from its own.
if not Path("scenarios").is_dir():
    os.chdir("..")

MSS = 1448  # bytes of data in a full segment, `tcp.mss` of the scenario

plt.rcParams.update({"figure.figsize": (9, 4), "axes.grid": True, "grid.alpha": 0.3})


def command_found():
    """The command that runs the testbed here."""
    if testbed is not None:
        return shlex.split(testbed)
    if importlib.util.find_spec("testbed"):
        return [sys.executable, "-m", "testbed"]
    if shutil.which("testbed"):
        return ["testbed"]
    return ["cargo", "run", "--release", "--"]


def run(*arguments):
    """Runs the testbed with these arguments."""
    command = [*command_found(), "run", *arguments, "--no-plots", "--quiet"]
    print("$", shlex.join(command))
    subprocess.run(command, check=True)


def has(folder, *files):
    """True if the folder has all these files."""
    return all((Path(folder) / file).is_file() for file in files)


# All are made here, in a folder of their own, if one of them is not there.
wanted = ["trials.csv", "flows.csv", "realised.csv", "latency/0.hgrm"]
wanted += [f"series/{cell}/trial-0/flows.csv" for cell in (0, 4, 7)]
if not has(results, *wanted):
    results = "results/lab-01"
if not has(results, *wanted):
    run("scenarios/loss10.toml", "--out", results)
print("reading", results)

# %% [markdown]
# ## 1. Predict
#
# Before you look at any figure, write your answers into the next cell. A guess with a reason is
# worth more than a right number without one.
#
# 1. How many times less will Reno deliver at 10 % loss than at 1 %? (Mathis' formula, which you
#    know from the lecture, says $\sqrt{10} \approx 3.2$. But mind the bottleneck.)
# 2. Without loss, who delivers more: Reno, or senders without congestion control?
# 3. At 10 % loss, who delivers more, and who retransmits more?
# 4. What happens to the chat's 99th percentile of latency in each case?

# %%
predictions = {
    "Reno delivers at 1 % this many times what it delivers at 10 %": None,  # a number
    "without loss, more is delivered by": None,  # "reno" or "none"
    "at 10 % loss, more is delivered by": None,  # "reno" or "none"
    "at 10 % loss, more is retransmitted by": None,  # "reno" or "none"
}

# %% [markdown]
# ## 2. The figures
#
# `trials.csv` has one row for each trial. Trial *k* has the same seed in every cell, so `none` and
# `reno` met the same luck: that is what makes it fair to subtract them trial by trial.

# %%
trials = pd.read_csv(f"{results}/trials.csv").rename(
    columns={"tcp.congestion": "controller", "link.access.loss": "loss"}
)
trials["loss_percent"] = trials["loss"].str.rstrip("%").astype(float)
figures = ["goodput_mbit", "retransmits", "timeouts", "latency_p50_ms", "latency_p99_ms"]
means = trials.groupby(["controller", "loss_percent"])[figures].mean().round(2)
means

# %%
reno, none = means.loc["reno"], means.loc["none"]
answers = {
    "Reno delivers at 1 % this many times what it delivers at 10 %": round(
        reno["goodput_mbit"][1] / reno["goodput_mbit"][10], 1
    ),
    "without loss, more is delivered by": means.xs(0, level=1)["goodput_mbit"].idxmax(),
    "at 10 % loss, more is delivered by": means.xs(10, level=1)["goodput_mbit"].idxmax(),
    "at 10 % loss, more is retransmitted by": means.xs(10, level=1)["retransmits"].idxmax(),
}
pd.DataFrame({"predicted": predictions, "measured": answers})

# %% [markdown]
# The goodput of `trials.csv` is that of the bottleneck's busier direction, the chat's messages in that
# direction among it. From here on we look at the uploads alone, which `flows.csv` has by name.

# %%
flows = pd.read_csv(f"{results}/flows.csv").rename(
    columns={"tcp.congestion": "controller", "link.access.loss": "loss"}
)
uploads = flows[flows["group"] == "upload"].copy()
uploads["loss_percent"] = uploads["loss"].str.rstrip("%").astype(float)
per_trial = uploads.groupby(["controller", "loss_percent", "trial"])["goodput_mbit"].sum()

fig, ax = plt.subplots()
for controller, marker in (("none", "o"), ("reno", "s")):
    of = per_trial[controller].groupby(level="loss_percent")
    # Half the width of a 95 % interval of the mean of ten: Student's t with 9 degrees of freedom.
    half = 2.262 * of.std() / np.sqrt(of.count())
    ax.errorbar(of.mean().index, of.mean(), yerr=half, marker=marker, capsize=4, label=controller)
ax.set(xlabel="random loss (%)", ylabel="goodput of all uploads (Mbit/s)", ylim=(0, None))
ax.set_title("Goodput against loss: means of ten trials, 95 % intervals")
ax.legend()
plt.show()

# %% [markdown]
# **Question 1.** At 10 % loss `none` delivers more than `reno`. Is that an argument for
# switching congestion control off? Look at the left end of the picture, and at the retransmissions
# in the table above, before you answer. (`scenarios/collapse.toml` asks the same of many senders.)
#
# ## 3. The window over time
#
# `series/<cell>/trial-0/flows.csv` has a sample every 20 ms of the first trial of each cell, and
# `events.csv` says when each flow retransmitted or timed out.

# %%
cells = {
    (row.controller, row.loss_percent): row.cell for row in trials.itertuples() if row.trial == 0
}
chosen = [("none", 10.0), ("reno", 0.0), ("reno", 1.0), ("reno", 10.0)]
fig, axes = plt.subplots(len(chosen), 1, figsize=(9, 11), sharex=True)
for ax, (controller, loss) in zip(axes, chosen):
    folder = f"{results}/series/{cells[controller, loss]}/trial-0"
    series = pd.read_csv(f"{folder}/flows.csv")
    one = series[(series["flow"] == "upload-1") & (series["direction"] == "up")]
    events = pd.read_csv(f"{folder}/events.csv")
    timeouts = events[(events["flow"] == "upload-1") & (events["event"] == "timeout")]
    # Without congestion control there is no window; what is in flight takes its place.
    window = one["cwnd_bytes"].fillna(one["flight_bytes"]) / MSS
    ax.step(one["time_s"], window, where="post", linewidth=1)
    ax.plot(timeouts["time_s"], np.zeros(len(timeouts)), "|", color="tab:red", markersize=14)
    ax.set(ylabel="segments", ylim=(0, None))
    ax.set_title(f"{controller}, {loss:g} % loss: {len(timeouts)} timeouts (red)", fontsize=10)
axes[-1].set(xlabel="time (s)", xlim=(0, 15))
fig.suptitle("Window of upload-1 (unacknowledged bytes where there is none)")
fig.tight_layout()
plt.show()

# %% [markdown]
# **Question 2.** Reno without random loss still loses packets. Where, and what decides how high the
# teeth are? Compare with the bandwidth-delay product: 10 Mbit/s × 50 ms in segments of 1500 bytes.
#
# **Question 3.** The sender finds a loss by time (RACK, RFC 8985): a segment is lost if one that was
# sent later has arrived, and a part of a round trip has passed since. Behind the last segments nothing is
# sent that could arrive; a probe after two round trips takes its place. Use the panel at 10 % to explain
# which losses become timeouts all the same. How many more are there with three duplicate
# acknowledgments (`--set tcp.recovery=newreno`), and why does a lost *retransmission* then cost one?
#
# ## 4. How long messages take
#
# The chat shares the bottleneck with the uploads. `latency/<cell>.hgrm` holds the percentiles of
# all trials of a cell, counted from the moment at which a person *wanted* to send.

# %%
fig, ax = plt.subplots()
for (controller, loss), cell in cells.items():
    if loss not in (0.0, 1.0, 10.0):
        continue
    # Columns: Value, Percentile (0 … 1), TotalCount, 1/(1-Percentile); lines with # are the footer.
    cdf = pd.read_csv(
        f"{results}/latency/{cell}.hgrm", sep=r"\s+", comment="#", skiprows=2, header=None
    )
    style = "-" if controller == "reno" else "--"
    colour = {0.0: "tab:green", 1.0: "tab:blue", 10.0: "tab:red"}[loss]
    ax.plot(cdf[0], cdf[1], style, color=colour, label=f"{controller}, {loss:g} %")
ax.set(xscale="log", xlabel="latency (ms)", ylabel="share of deliveries", ylim=(0, 1.01))
ax.set_title("Latency of chat messages")
ax.legend()
plt.show()

# %% [markdown]
# **Question 4.** The least possible latency is one round trip's worth of delay: 25 ms up, 25 ms
# down. Which part of each curve above that is queueing (everybody waits a little) and which is loss
# (a few wait for a retransmission timeout of at least 200 ms)? How can you tell from the shape?
#
# ## 5. Formulas
#
# Two formulas predict a Reno sender's throughput from the loss rate $p$ and the round-trip time.
#
# **Mathis et al. 1997** see only the sawtooth: $B = \frac{MSS}{RTT}\sqrt{\frac{3}{2 b p}}$.
#
# **Padhye et al. 1998** add what happens when fast retransmit fails, with $T_0$ the first
# retransmission timeout:
#
# $$B = \frac{MSS}{RTT\sqrt{\frac{2bp}{3}} + T_0 \min\left(1, 3\sqrt{\frac{3bp}{8}}\right) p (1 + 32p^2)}$$
#
# $b$ is the number of segments that open the window by one acknowledgment's worth. With delayed
# acknowledgments it used to be 2; a sender that counts *bytes* (RFC 3465, like this one and like
# Linux) grows as if every segment were acknowledged: $b = 1$.
#
# Both assume that nothing but random loss limits the sender. In `loss10` that is not so: at 0 and
# 1 % the bottleneck is full. So we first make an experiment that fits the assumptions: one upload,
# a bottleneck too wide to matter, more values of loss, two people chatting.

# %%
line = "results/lab-01-line"
if not has(line, "trials.csv", "flows.csv", "realised.csv"):
    run(
        "scenarios/loss10.toml",
        "--set", "tcp.congestion=reno",
        "--set", 'link.access.loss=["0.1%", "0.2%", "0.5%", "1%", "2%", "5%", "10%"]',
        "--set", "link.bottleneck.rate=1gbit",
        "--set", "clients.talkers.count=2",
        "--set", "clients.upload.count=1",
        "--set", "duration=120s",
        "--set", "record.trials=none",
        "--out", line,
    )  # fmt: skip


def points(folder):
    """One row for each trial and upload of Reno: goodput, realised round trip, realised loss."""
    flows = pd.read_csv(f"{folder}/flows.csv")
    flows = flows[(flows["group"] == "upload") & (flows["congestion"] == "reno")]
    flows = flows.rename(columns={"srtt_mean_ms": "rtt_ms", "recovery_episodes": "recoveries"})
    # A sender's view of all losses, those in the bottleneck's queue too.
    flows["retransmitted"] = flows["retransmits"] / flows["segments_sent"]
    # Random losses of the access link as they came out: a draw has its own luck.
    realised = pd.read_csv(f"{folder}/realised.csv")
    random = realised[
        (realised["link"] == "access")
        & (realised["direction"] == "up")
        & (realised["quantity"] == "loss_percent")
    ].set_index(["cell", "trial"])["realised"]
    return flows.join(random.div(100).rename("p"), on=["cell", "trial"])


def mathis(p, rtt_s, b=1):
    """Megabits per second."""
    return MSS * 8e-6 / rtt_s * np.sqrt(3 / (2 * b * p))


def padhye(p, rtt_s, t0_s, b=1):
    """Megabits per second: the approximation, equation (30) of the 1998 paper."""
    timeouts = t0_s * np.minimum(1, 3 * np.sqrt(3 * b * p / 8)) * p * (1 + 32 * p**2)
    return MSS * 8e-6 / (rtt_s * np.sqrt(2 * b * p / 3) + timeouts)


clean = points(line)
# Without queueing the round trip hardly varies, so the timeout is its floor: 200 ms above the RTT.
clean["t0_s"] = clean["rtt_ms"] / 1000 + 0.2
clean["mathis"] = mathis(clean["p"], clean["rtt_ms"] / 1000)
clean["padhye"] = padhye(clean["p"], clean["rtt_ms"] / 1000, clean["t0_s"])
clean["padhye, b = 2"] = padhye(clean["p"], clean["rtt_ms"] / 1000, clean["t0_s"], b=2)
table = clean.groupby("cell")[
    ["p", "rtt_ms", "goodput_mbit", "mathis", "padhye", "padhye, b = 2", "timeouts", "recoveries"]
].mean()
table["goodput / mathis"] = table["goodput_mbit"] / table["mathis"]
table["goodput / padhye"] = table["goodput_mbit"] / table["padhye"]
table["timeouts per recovery"] = table["timeouts"] / table["recoveries"]
table.round(3)

# %%
fig, ax = plt.subplots(figsize=(9, 6))
p = np.geomspace(0.0008, 0.15, 200)
rtt_s = clean["rtt_ms"].mean() / 1000
ax.plot(p * 100, mathis(p, rtt_s), "k-", linewidth=1, label="Mathis, b = 1")
ax.plot(p * 100, padhye(p, rtt_s, rtt_s + 0.2), "k--", linewidth=1, label="Padhye, b = 1")
ax.plot(p * 100, padhye(p, rtt_s, rtt_s + 0.2, b=2), "k:", linewidth=1, label="Padhye, b = 2")
ax.plot(clean["p"] * 100, clean["goodput_mbit"], "o", alpha=0.6, label="one upload, wide bottleneck")
shared = points(results)
label = "each upload of loss10 (share retransmitted)"
ax.plot(shared["retransmitted"] * 100, shared["goodput_mbit"], "s", alpha=0.6, label=label)
ax.set(xscale="log", yscale="log", xlabel="realised loss (%)", ylabel="goodput (Mbit/s)")
ax.set_title(f"Reno against two formulas at the realised round trip of {rtt_s * 1000:.0f} ms")
ax.legend()
plt.show()

# %%
low = clean[clean["p"] < 0.015]
slope = np.polyfit(np.log(low["p"]), np.log(low["goodput_mbit"]), 1)[0]
high = clean[clean["p"] > 0.08]
print(f"slope in log-log below 1.5 % loss: {slope:.2f} (a square root law has -0.50)")
for name in ("mathis", "padhye", "padhye, b = 2"):
    ratio_low = math.exp(np.log(low["goodput_mbit"] / low[name]).mean())
    ratio_high = math.exp(np.log(high["goodput_mbit"] / high[name]).mean())
    print(f"measured / {name:13}: {ratio_low:.2f} below 1.5 % loss, {ratio_high:.2f} at 10 %")

# Claims of this lab; if one fails, the text around it is no longer true.
assert -0.6 < slope < -0.4
assert 0.8 < (low["goodput_mbit"] / low["mathis"]).mean() < 1.2
assert (high["goodput_mbit"] / high["mathis"]).mean() < 0.8
assert (high["goodput_mbit"] / high["padhye"]).mean() > 1.4
assert table["timeouts per recovery"].iloc[0] < 0.01 < table["timeouts per recovery"].iloc[-1]

# %% [markdown]
# **What you see.** Up to about 1 % loss, goodput follows the square root law, and Mathis with
# $b = 1$ is right within some per cent. Towards 10 % the mean window falls to about three
# segments, and timeouts appear, which Mathis does not know: there it promises about a third too much.
# Padhye's curve bends where the measurement bends, but further, and lies low at 10 %. It assumes three
# duplicate acknowledgments for each fast retransmit, which so small a window cannot give. This sender,
# like Linux, finds losses by time (RACK, RFC 8985) and probes the tail, and so saves most of the timeouts
# that Padhye counts.
#
# The round trip here is the one the sender measured. At 10 % it is well above 50 ms although there
# is no queue: what waits for a retransmission is acknowledged late, and the smoothed value contains
# that. With the 50 ms of the path, Mathis is further off still.
#
# **Question 5.** Put your finger on the loss rate at which the column *timeouts per recovery*
# passes one in a hundred. What is the mean window there ($\sqrt{3/2p}$ segments)? Why does it happen
# about there?
#
# **Question 6.** For the squares, $p$ is the share of segments that were retransmitted. Those above
# the curves (`shared[shared["link.access.loss"] == "0%"]`) had no random loss at all: what they lost
# they lost in the queue, often several segments at once. Work out Mathis' prediction for them with their own round-trip time
# (`shared["rtt_ms"]`). Why is a *loss event* (one halving) the better unit for $p$ than a lost
# segment, and which column counts events?
#
# ## 6. Now you
#
# 1. **Your own experiment.** Choose one: a round trip of 200 ms
#    (`--set link.access.delay=95ms`), `tcp.recovery=newreno` (three
#    duplicate acknowledgments, as the formulas assume), `tcp.delayed_ack=false` with
#    `tcp.byte_counting=false`, or `tcp.congestion=cubic`. Predict the effect on the curve first,
#    then run it with `--out results/mine` and add its points to the picture.
# 2. **Bursts.** Replace the access link's loss by a Gilbert–Elliott model with the same mean (see
#    `scenarios/burst-loss.toml`). Does the same *mean* loss cost more or less? Why?
# 3. **A fairer comparison.** `none` was limited by the receiver's window of 256 KiB. Give it
#    `tcp.receive_window=64KiB` and compare goodput and retransmissions. What has become of the
#    receiver's window?
#
# ## What you hand in
#
# * your `predictions` cell, as you first wrote it;
# * the answers to questions 1 to 6, two or three sentences each;
# * one picture of your own experiment, with a caption that says what was varied, how many trials,
#   and what the error bars are;
# * the exact commands that repeat it. The seed is in the scenario, so whoever marks it will get
#   the same numbers to the last digit.
