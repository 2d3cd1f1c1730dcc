"""Reno (RFC 5681) as a class: the same decisions as the program's own, and the same result files.

    testbed run scenarios/loss10.toml --set tcp.congestion=python:../python/examples/reno.py:Reno

The file is named from the scenario's folder.
"""

import math


class Reno:
    """Slow start, additive increase by bytes acknowledged (RFC 3465), halving on loss."""

    def __init__(self, path):
        self.mss = path.mss
        self.initial_window = self.cwnd = path.initial_window
        self.ssthresh = math.inf
        self.credit = 0
        self.before = (self.cwnd, self.ssthresh)

    def on_ack(self, ack):
        if not ack.may_grow:
            return
        left = ack.bytes
        if self.cwnd < self.ssthresh:
            grown = min(left, self.ssthresh - self.cwnd)
            self.cwnd += grown
            left -= grown
        self.credit += left
        if self.credit >= self.cwnd:
            self.credit -= self.cwnd
            self.cwnd += self.mss

    def on_loss(self, loss):
        self.reduce(loss)
        self.cwnd = self.ssthresh

    def on_timeout(self, loss):
        if loss.new_episode:
            self.reduce(loss)
        self.cwnd = self.mss
        self.credit = 0

    def on_spurious(self):
        self.cwnd = max(self.cwnd, self.before[0])
        self.ssthresh = self.before[1]

    def on_idle(self):
        self.cwnd = min(self.cwnd, self.initial_window)

    def on_decay(self, timeouts):
        self.ssthresh = max(self.ssthresh, self.cwnd // 4 * 3)
        floor = min(self.initial_window, self.cwnd)
        self.cwnd = max(self.cwnd >> timeouts, floor) // self.mss * self.mss

    def reduce(self, loss):
        """Half of what was in flight, in whole segments, at least two."""
        self.before = (self.cwnd, self.ssthresh)
        self.ssthresh = max(min(loss.flight, self.cwnd) // 2 // self.mss, 2) * self.mss
        self.credit = 0
