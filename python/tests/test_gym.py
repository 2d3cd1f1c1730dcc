"""The environment for reinforcement learning."""

import math

import numpy as np
import pytest
import testbed

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


def test_it_is_that_controller_with_its_ecn_and_parameters():
    marks = {"duration": "10s", "link.wire.queue": '{ kind = "codel", target = "1ms", interval = "20ms", ecn = true }'}
    # Prague hears of each mark and keeps the queue short; without ECN packets would be lost.
    seen = episode(CongestionEnv(set=marks, step_s=0.1, controller="prague"), 1)[0]
    assert max(one.loss_percent for one in seen[20:]) == 0
    windows = {
        keep: max(one.window_segments for one in episode(CongestionEnv(set=sets, step_s=0.1, controller="fixed"), 1)[0])
        for keep, sets in ((10, {"congestion.fixed.window": 10}), (40, {"congestion.fixed.window": 40}))
    }
    assert windows == {10: 10, 40: 40}


def test_a_controller_that_cannot_go_on_is_an_error():
    class Spoilt:
        def __init__(self, path):
            self.cwnd = path.initial_window

        def on_ack(self, ack):
            raise RuntimeError("no more")

        on_loss = on_timeout = on_ack

    testbed.controller("spoilt-agent")(Spoilt)
    env = CongestionEnv(set={"duration": "1s"}, step_s=0.1, controller="spoilt-agent")
    env.reset(seed=1)
    with pytest.raises(testbed.TestbedError, match="RuntimeError: no more"):
        for _ in range(10):
            env.step([1.0])


def test_windows_are_in_segments_of_the_agents_own_size():
    env = CongestionEnv(SECOND, step_s=0.1)
    seen, _ = episode(env, 10)
    # Ten segments of 536 bytes in each round trip of 41 ms or so, beside little else.
    mbit = np.mean([one.delivered_mbit for one in seen[20:]])
    assert mbit == pytest.approx(10 * 536 * 8e-3 / seen[-1].rtt_ms, rel=0.1)


SECOND = """
duration = "5s"
[link.wire]
rate = "50mbit"
delay = "20ms"
[[clients]]
name = "other"
path = ["wire"]
app = { kind = "bulk" }
tcp = { congestion = "fixed" }
[[clients]]
name = "agent"
path = ["wire"]
app = { kind = "bulk" }
tcp = { mss = 536 }
"""


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
