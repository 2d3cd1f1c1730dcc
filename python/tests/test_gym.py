"""The environment for reinforcement learning."""

import math

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from testbed.gym import CongestionEnv, Observation, make_vec  # noqa: E402


def episode(env, window, seed=1):
    """Observations and rewards of an episode with one window."""
    seen = [env.reset(seed=seed)[0]]
    rewards, over = [], False
    while not over:
        observation, reward, terminated, over, _ = env.step(np.array([window], np.float32))
        assert not terminated
        seen.append(observation)
        rewards.append(reward)
    return [Observation(*map(float, one)) for one in seen], rewards


@pytest.mark.parametrize("action", ["window", "rate"])
def test_it_is_what_gymnasium_calls_an_environment(action):
    check_env(CongestionEnv(action=action), skip_render_check=True)


def test_a_window_gives_what_the_path_makes_of_it():
    env = CongestionEnv(set={"duration": "5s"}, step_s=0.1)
    assert env.duration_s == 5.0
    # 12 Mbit/s times 40 ms are 40 packets: below it is window over round trip, above it the rate.
    for window, most, wait in ((10, math.inf, 1.0), (60, 12 * 1448 / 1500, 1.5)):
        seen, _ = episode(env, window)
        assert len(seen) == 51
        late = seen[25:]
        mbit = min(window * 1448 * 8e-3 / late[-1].rtt_ms, most)
        assert np.mean([one.delivered_mbit for one in late]) == pytest.approx(mbit, rel=0.05)
        assert late[-1].rtt_ms / late[-1].min_rtt_ms == pytest.approx(wait, rel=0.07)
        assert late[-1].window_segments == pytest.approx(window)
        assert late[-1].min_rtt_ms == pytest.approx(41, abs=1)


def test_a_rate_is_kept_to():
    env = CongestionEnv(set={"duration": "5s"}, step_s=0.1, action="rate")
    seen, _ = episode(env, 4.0)
    assert np.mean([one.delivered_mbit for one in seen[20:]]) == pytest.approx(4.0, rel=0.03)


def test_too_large_a_window_loses():
    seen, rewards = episode(CongestionEnv(set={"duration": "5s"}, step_s=0.1), 1000)
    assert max(one.loss_percent for one in seen) > 1
    _, better = episode(CongestionEnv(set={"duration": "5s"}, step_s=0.1), 40)
    assert sum(better) > sum(rewards)


def test_the_same_seed_gives_the_same_episode_and_splits_share_none():
    loss = {"duration": "5s", "link.wire.loss": "2%"}
    env = CongestionEnv(set=loss, step_s=0.1)
    assert episode(env, 30) == episode(CongestionEnv(set=loss, step_s=0.1), 30) != episode(env, 30, seed=2)
    env.reset(seed=1)
    assert env.reset()[1]["seed"] != env.reset()[1]["seed"]
    seeds = {split: CongestionEnv(split=split).reset(seed=1)[1]["seed"] for split in ("train", "validation", "test")}
    assert seeds["train"] < 2**40 <= seeds["validation"] < 2**41 <= seeds["test"]


def test_the_reward_is_the_callers():
    env = CongestionEnv(set={"duration": "1s"}, step_s=0.1, reward=lambda seen: seen.delivered_mbit)
    seen, rewards = episode(env, 20)
    assert rewards == pytest.approx([one.delivered_mbit for one in seen[1:]])


def test_a_controller_can_send_in_the_agents_place():
    env = CongestionEnv(set={"duration": "10s"}, step_s=0.1, controller="reno")
    windows = {round(one.window_segments) for one in episode(env, 1)[0]}
    assert len(windows) > 20 and max(windows) > 40


def test_environments_are_stepped_together():
    env = make_vec(3, set={"duration": "1s", "link.wire.loss": "5%"}, step_s=0.1)
    env.reset(seed=5)
    for _ in range(9):
        observations, rewards, *_ = env.step(np.full((3, 1), 30, np.float32))
    assert observations.shape == (3, 8) and rewards.shape == (3,)
    assert len({tuple(one) for one in observations.tolist()}) == 3


def test_what_does_not_do_is_said():
    for arguments, said in (
        ({"group": "agnet"}, 'no group "agnet"'),
        ({"set": {"clients.agent.count": 2}}, "must have one"),
        ({"scenario": SWEPT}, "link.wire.loss"),
        ({"step_s": 0}, "a step of 0"),
        ({"action": "mood"}, "no action"),
        ({"split": "exam"}, "no split"),
        ({"controller": "rneo"}, "no congestion controller"),
    ):
        with pytest.raises(ValueError, match=said):
            CongestionEnv(**arguments)
    env = CongestionEnv()
    env.reset(seed=1)
    with pytest.raises(ValueError, match="window of NaN"):
        env.step([float("nan")])


SWEPT = """
duration = "5s"
[link.wire]
rate = "12mbit"
delay = "20ms"
[[clients]]
name = "agent"
path = ["wire"]
app = { kind = "bulk" }
[sweep]
"link.wire.loss" = ["0%", "1%"]
"""
