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
# # testbed in a notebook
#
# A run, its tables and pictures, and a congestion controller of one's own, in a few seconds.

# %%
import testbed

scenario = """
duration = "20s"
trials = 5
[link.wire]
rate = "10mbit"
delay = "25ms"
queue = "1bdp"
loss = "1%"
[[clients]]
name = "upload"
path = ["wire"]
app = { kind = "bulk", direction = "up" }
"""
results = testbed.run(scenario, set={"tcp.congestion": ["reno", "cubic"]})
results

# %% [markdown]
# Every table is a DataFrame, read from the result folder's files.

# %%
results.trials.groupby("tcp.congestion")["goodput_mbit"].describe()

# %%
results.plot("four-panel", cells="tcp.congestion=reno")

# %% [markdown]
# ## A controller
#
# It hears of acknowledgments, losses and timeouts; its window, in bytes, is `cwnd`.


# %%
@testbed.controller("patient")
class Patient:
    """Halves only where losses come with a longer wait: random loss is no sign of a full queue."""

    def __init__(self, path, slack=1.25):
        self.mss, self.cwnd, self.slack = path.mss, path.initial_window, slack
        self.waits = False

    def on_ack(self, ack):
        if ack.rtt_s:
            self.waits = ack.rtt_s > self.slack * ack.min_rtt_s
        if ack.may_grow:
            self.cwnd += self.mss * ack.bytes / self.cwnd

    def on_loss(self, loss):
        keep = 0.5 if self.waits else 0.95
        self.cwnd = max(keep * self.cwnd, 2 * self.mss)

    def on_timeout(self, loss):
        self.cwnd = self.mss


mine = testbed.run(scenario, set={"tcp.congestion": ["reno", "patient"]})
mine

# %%
goodput = mine.trials.groupby("tcp.congestion")["goodput_mbit"].mean()
assert goodput["patient"] > 1.5 * goodput["reno"], "what the class says is no longer so"
mine.compare(paired="tcp.congestion").T
