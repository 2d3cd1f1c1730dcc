"""An environment for reinforcement learning: one sender's window or pacing rate, set at even intervals.

Needs ``gymnasium`` (``pip install "testbed[gym]"``). The network is a scenario like any other; the agent is the
congestion controller of one of its clients.

>>> from testbed.gym import CongestionEnv
>>> env = CongestionEnv()
>>> observation, info = env.reset(seed=1)
>>> observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
>>> env.observation_names[1]
'rtt_ms'
"""

from __future__ import annotations

import math
import os
from typing import Any, Callable, NamedTuple
from collections.abc import Mapping

import numpy as np

from . import _testbed
from ._results import sets_of, text_of

try:
    import gymnasium
except ModuleNotFoundError as error:  # pragma: no cover
    raise ModuleNotFoundError('testbed.gym needs gymnasium: pip install "testbed[gym]"') from error

SCENARIO = """
duration = "30s"
[link.wire]
rate = "12mbit"
delay = "20ms"
queue = "2bdp"
[[clients]]
name = "agent"
path = ["wire"]
app = { kind = "bulk", direction = "up" }
"""
"""The default scenario: one upload over 12 Mbit/s with a round trip of 40 ms."""

MOST_SEGMENTS = 10_000.0
"""Largest window of an action, in segments."""

MOST_MBIT = 10_000.0
"""Largest pacing rate of an action, in Mbit/s."""


class Observation(NamedTuple):
    """Figures of one step."""

    delivered_mbit: float
    """Rate of delivery in the step, in Mbit/s."""
    rtt_ms: float
    """Mean of the round-trip times measured in the step; the smoothed one where none was."""
    min_rtt_ms: float
    """Smallest round-trip time of the trial so far; 0 before the first."""
    srtt_ms: float
    """Smoothed round-trip time at the end of the step; 0 before the first."""
    loss_percent: float
    """Bytes found lost, of those delivered and lost in the step."""
    flight_segments: float
    """Data in flight at the last acknowledgment."""
    window_segments: float
    """The window at the end of the step."""
    timeouts: float
    """Retransmission timeouts in the step."""


def power(seen: Observation) -> float:
    """The default reward: the logarithm of what is delivered (Mbit/s), less that of the wait.

    The wait is the round-trip time as a multiple of the smallest one; delivery counts from 0.01 Mbit/s on.
    """
    wait = seen.rtt_ms / seen.min_rtt_ms if seen.min_rtt_ms > 0 else 1.0
    return math.log(max(seen.delivered_mbit, 0.01)) - math.log(wait)


class CongestionEnv(gymnasium.Env):
    """One sender whose window (segments) or pacing rate (Mbit/s) an agent sets once in each step.

    An episode is a trial of the scenario; it is truncated at the trial's end and never terminates before. A setting
    is heeded from the next acknowledgment on. An environment is used on the thread that made it. Observations are :class:`Observation` as an array.

    Episodes of the splits ``"train"``, ``"validation"`` and ``"test"`` have different seeds, whatever the seed of
    ``reset``: what was learned on one is judged on chances that it has not met.
    """

    metadata: dict[str, Any] = {"render_modes": []}
    observation_names = Observation._fields

    def __init__(
        self,
        scenario: str | os.PathLike[str] = SCENARIO,
        *,
        set: Mapping[str, Any] | None = None,
        group: str = "agent",
        step_s: float = 0.01,
        action: str = "window",
        reward: Callable[[Observation], float] = power,
        split: str = "train",
        controller: str | None = None,
    ) -> None:
        """``set`` changes keys of the scenario; ``group`` is the client (one) that the agent sends for.

        ``controller`` names a congestion controller that sends in the agent's place, whose actions are then ignored:
        the same is seen of it, to compare with.
        """
        if action not in ("window", "rate"):
            raise ValueError(f'there is no action {action!r}: write "window" or "rate"')
        if split not in SPLITS:
            raise ValueError(f"there is no split {split!r}: write one of {', '.join(SPLITS)}")
        file, text = text_of(scenario)
        self._steps = _testbed.Steps(file, text, sets_of(set), group, step_s, controller)
        self._is_rate = action == "rate"
        self._reward = reward
        self._split = SPLITS[split]
        most = MOST_MBIT if self._is_rate else MOST_SEGMENTS
        least = 0.01 if self._is_rate else 1.0
        self.action_space = gymnasium.spaces.Box(least, most, (1,), np.float32)
        count = len(Observation._fields)
        self.observation_space = gymnasium.spaces.Box(0.0, np.inf, (count,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode; the same ``seed`` gives the same episodes again."""
        super().reset(seed=seed)
        trial = self._split + int(self.np_random.integers(SPLIT_SEEDS))
        seen = self._steps.reset(trial)
        return np.array(seen, np.float32), {"seed": trial}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sets the window or the rate, and goes on for ``step_s`` seconds of the trial."""
        value = float(action[0])
        # A rate alone: the window stays out of its way.
        seen, over = self._steps.step(MOST_SEGMENTS, value) if self._is_rate else self._steps.step(value, None)
        return np.array(seen, np.float32), float(self._reward(Observation._make(seen))), False, over, {}

    @property
    def now_s(self) -> float:
        """Time of the episode that has passed, in seconds."""
        return self._steps.now_s

    @property
    def duration_s(self) -> float:
        """Length of an episode in seconds."""
        return self._steps.duration_s


def make_vec(count: int, **arguments: Any) -> gymnasium.vector.VectorEnv:
    """So many environments that are stepped together; each has seeds of its own from ``reset(seed=…)`` on."""
    return gymnasium.vector.SyncVectorEnv([lambda: CongestionEnv(**arguments) for _ in range(count)])


SPLIT_SEEDS = 2**40
"""Number of seeds of each split."""

SPLITS = {"train": 0, "validation": SPLIT_SEEDS, "test": 2 * SPLIT_SEEDS}
"""First seed of each split."""

gymnasium.register("testbed/Congestion-v0", entry_point="testbed.gym:CongestionEnv")
