"""An agent that learns to send on a cellular link, with numpy alone, and is compared with Reno.

    python python/examples/learn.py

It sets the window every 100 ms. Its policy is a formula with four numbers: by how much the window grows or shrinks,
given how long packets wait and how much was delivered. The cross-entropy method finds them: draw some, keep the best,
draw around those. It learns on the seeds of the training split, chooses on those of the validation split and is judged
on those of the test split: other places of the trace, which it has not met.
"""

import sys
import time
from pathlib import Path

import numpy as np
from testbed.gym import CongestionEnv, Observation

# A phone's uplink whose rate wanders around 6 Mbit/s, behind a deep queue (see scenarios/cellular.toml).
TRACE = Path(__file__).resolve().parents[2] / "scenarios" / "traces" / "lte.trace"
SCENARIO = f"""
duration = "20s"
[link.radio]
delay = "20ms"
rate = {{ trace = "{TRACE.as_posix()}", offset = "trial" }}
queue = {{ kind = "droptail", limit = "256 packets" }}
down = {{ rate = "20mbit" }}
[[clients]]
name = "agent"
path = ["radio"]
app = {{ kind = "bulk", direction = "up" }}
"""

STEP_S = 0.1
ROUNDS, DRAWS, KEPT, EPISODES = 12, 16, 4, 2


def environment(split, **arguments):
    return CongestionEnv(SCENARIO, step_s=STEP_S, split=split, **arguments)


def next_window(policy, seen):
    """The window after what was seen: what was delivered in a round trip, times a factor that falls with the wait."""
    base, patience, trust, floor = policy
    wait = seen.rtt_ms / max(seen.min_rtt_ms, 1.0)
    target = seen.delivered_mbit * 1e6 / 8 / 1448 * max(seen.min_rtt_ms, 20.0) / 1e3
    wish = np.exp(base - patience * np.log(max(wait, 1.0))) * target
    window = seen.window_segments ** (1 - trust) * max(wish, 1.0) ** trust
    return float(np.clip(window, np.exp(floor), 1000.0))


def play(env, policy, seed):
    """Mean reward, rate of delivery (Mbit/s) and round-trip time (ms) of an episode."""
    seen, _ = env.reset(seed=seed)
    total, rate, wait, steps, over = 0.0, 0.0, 0.0, 0, False
    while not over:
        window = next_window(policy, Observation(*seen.tolist())) if policy is not None else 10.0
        seen, reward, _, over, _ = env.step([window])
        total, rate, wait, steps = total + reward, rate + float(seen[0]), wait + float(seen[1]), steps + 1
    return np.array([total, rate, wait]) / steps


def learn(rng):
    """The policy that does best on the validation seeds, of the best of each round."""
    train, validation = environment("train"), environment("validation")
    mean, spread = np.array([0.5, 0.5, 0.5, 1.5]), np.array([0.5, 0.5, 0.3, 0.7])
    best = (-np.inf, mean)
    for number in range(ROUNDS):
        draws = rng.normal(mean, spread, (DRAWS, len(mean)))
        draws[:, 2] = np.clip(draws[:, 2], 0.05, 1.0)
        seeds = rng.integers(2**31, size=EPISODES)
        scores = [np.mean([play(train, draw, int(seed))[0] for seed in seeds]) for draw in draws]
        kept = draws[np.argsort(scores)[-KEPT:]]
        mean, spread = kept.mean(axis=0), kept.std(axis=0) + 0.02
        score = np.mean([play(validation, mean, seed)[0] for seed in range(4)])
        print(f"round {number + 1}: reward {score:.3f} on the validation seeds")
        best = max(best, (score, mean), key=lambda pair: pair[0])
    return best[1]


def main():
    started = time.monotonic()
    policy = learn(np.random.default_rng(1))
    print(f"learned in {time.monotonic() - started:.0f} s: {np.round(policy, 2)}")
    rewards = {}
    for name, env, chosen in (
        ("learned", environment("test"), policy),
        ("reno", environment("test", controller="reno"), None),
        ("cubic", environment("test", controller="cubic"), None),
    ):
        rewards[name], rate, wait = np.mean([play(env, chosen, seed) for seed in range(10)], axis=0)
        print(f"{name:8} reward {rewards[name]:6.3f}  {rate:5.2f} Mbit/s  round trip {wait:6.1f} ms")
    return 0 if rewards["learned"] > rewards["reno"] else 1


if __name__ == "__main__":
    sys.exit(main())
