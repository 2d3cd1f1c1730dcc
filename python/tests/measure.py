"""Figures of the package on this machine: python python/tests/measure.py. Nothing here is a test: time is the machine's.

Each figure is the least of several rounds in processor time, which other work on the machine disturbs least.
"""

import time
import timeit

import testbed
from testbed.gym import SCENARIO, CongestionEnv

LONG = {"duration": "600s", "record.trials": "none"}
ROUNDS = 7


@testbed.controller("idle")
class Idle:
    """A constant window: nothing but the calls."""

    calls = 0

    def __init__(self, path):
        self.cwnd = 30 * path.mss

    def on_ack(self, ack):
        pass

    on_loss = on_timeout = on_ack


@testbed.controller("counting")
class Counting(Idle):
    """The same, counted."""

    def on_ack(self, ack):
        Counting.calls += 1

    on_loss = on_timeout = on_ack


def least(call):
    return min(timeit.repeat(call, timer=time.process_time, number=1, repeat=ROUNDS))


def seconds(controller, **more):
    sets = {**LONG, "tcp.congestion": controller, **more}
    return least(lambda: testbed.run(SCENARIO, set=sets, jobs=1, progress=False))


def call():
    """Nanoseconds of a call into a controller, beside the time that Python needs for it."""
    testbed.run(SCENARIO, set={**LONG, "tcp.congestion": "counting"}, jobs=1)
    beside = seconds("idle") - seconds("fixed", **{"congestion.fixed.window": 30})
    idle = Idle(type("Path", (), {"mss": 1448}))
    own = (
        min(timeit.repeat(lambda: idle.on_ack(None), number=100_000, timer=time.process_time, repeat=ROUNDS)) / 100_000
    )
    return 1e9 * (beside / Counting.calls), 1e9 * own, Counting.calls


def steps():
    """Steps of the environment in a second, on one core."""
    env = CongestionEnv(set={"duration": "600s"})
    rates = []
    for seed in range(ROUNDS):
        env.reset(seed=seed)
        started, count, action = time.process_time(), 20_000, [40.0]
        for _ in range(count):
            env.step(action)
        rates.append(count / (time.process_time() - started))
    return max(rates)


if __name__ == "__main__":
    beside, own, calls = call()
    print(f"a call: {beside:.0f} ns in all, {own:.0f} ns of them Python's ({calls} calls)")
    print(f"the environment: {steps():.0f} steps/s")
