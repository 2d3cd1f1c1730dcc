"""Controllers that are classes."""

import importlib.util
import re
import threading
import time
import warnings
from pathlib import Path

import pytest
import testbed

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Plain:
    """Doubles nothing, halves on loss."""

    def __init__(self, path):
        self.mss, self.cwnd = path.mss, path.initial_window

    def on_ack(self, ack):
        if ack.may_grow:
            self.cwnd += self.mss * ack.bytes / self.cwnd

    def on_loss(self, loss):
        self.cwnd = max(self.cwnd / 2, 2 * self.mss)

    def on_timeout(self, loss):
        self.cwnd = self.mss


@pytest.mark.parametrize(
    "circumstances",
    [
        {},
        {"link.wire.loss": "10%"},
        {"link.wire.loss": "0%", "link.wire.queue": "0.3bdp"},
        {"link.wire.reorder": "2%", "tcp.recovery": "newreno", "tcp.sack": False},
        {"tcp.ecn": "classic", "link.wire.queue": '{ kind = "codel", ecn = true }'},
        {"clients.upload.app": '{ kind = "chat", rate = "0.3/s", size = "40000B" }', "tcp.profile": "linux"},
    ],
)
def test_reno_in_python_gives_the_files_of_the_built_in(scenario, tmp_path, circumstances):
    testbed.controller("python-reno")(example("reno").Reno)
    for name in ("reno", "python-reno"):
        sets = {"duration": "30s", "record.pcap": ["upload-1"], **circumstances, "tcp.congestion": name}
        testbed.run(scenario, set=sets, out=tmp_path / name)
    files = [path.relative_to(tmp_path / "reno") for path in (tmp_path / "reno").rglob("*.*")]
    tables = [file for file in files if file.suffix == ".csv"]
    captures = [file for file in files if file.suffix == ".pcapng"]
    assert len(tables) >= 8 and captures
    # Packet by packet, with their times.
    for file in captures:
        assert (tmp_path / "python-reno" / file).read_bytes() == (tmp_path / "reno" / file).read_bytes(), file
    for file in tables:
        # The journal has sums of files with wall times, which are the last column of the trials.
        if file.name != "journal.csv":
            texts = [(tmp_path / name / file).read_text() for name in ("python-reno", "reno")]
            if file.name == "trials.csv":
                texts = [re.sub(r",[^,]*\n", "\n", text) for text in texts]
            assert texts[0].replace("python-reno", "reno") == texts[1], file


def test_parameters_are_keyword_arguments_that_a_scenario_sets(scenario):
    @testbed.controller("keeper")
    class Keeper(Plain):
        def __init__(self, path, keep=0.5, segments=2):
            super().__init__(path)
            assert isinstance(segments, int)
            self.keep, self.least = keep, segments * path.mss

        def on_loss(self, loss):
            self.cwnd = max(self.keep * self.cwnd, self.least)

    def goodput(**parameters):
        sets = {f"congestion.keeper.{name}": value for name, value in parameters.items()}
        return testbed.run(scenario, set={"tcp.congestion": "keeper", **sets}).trials["goodput_mbit"].mean()

    assert goodput(keep=0.9) > 1.2 * goodput()
    assert goodput(segments=10) > goodput()
    with pytest.raises(testbed.ScenarioError, match="kept"):
        goodput(kept=0.9)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("float('nan')", "cwnd is NaN"),
        ("-1", "cwnd is -1 bytes"),
        ("0", "at least 1"),
        ("10**30", "at most"),
        ("None", "cwnd is None"),
        ("'much'", "cwnd is 'much'"),
        ("1 / 0", "line 3, in on_loss: ZeroDivisionError: division by zero"),
        ("self.missing", "AttributeError"),
    ],
)
def test_a_mistake_ends_its_trial_with_the_place(scenario, window, said):
    spoilt = {"Plain": Plain}
    text = f"class Spoilt(Plain):\n    def on_loss(self, loss):\n        self.cwnd = {window}\n"
    exec(compile(text, "spoilt.py", "exec"), spoilt)
    testbed.controller("spoilt")(spoilt["Spoilt"])
    with pytest.raises(testbed.TestbedError) as caught:
        testbed.run(scenario, set={"tcp.congestion": "spoilt"})
    assert said in str(caught.value) and "controller of upload-1" in str(caught.value)


def test_a_class_of_a_notebook_is_named_by_its_cell(scenario):
    spoilt = {"Plain": Plain}
    text = "class Spoilt(Plain):\n    def on_loss(self, loss):\n        self.cwnd = 1 / 0\n"
    exec(compile(text, "/tmp/ipykernel_7/1234.py", "exec"), spoilt)
    testbed.controller("spoilt")(spoilt["Spoilt"])
    with pytest.raises(testbed.TestbedError, match="the notebook's cell, line 3, in on_loss: ZeroDivisionError"):
        testbed.run(scenario, set={"tcp.congestion": "spoilt"})


def test_other_trials_go_on(scenario):
    @testbed.controller("sometimes")
    class Sometimes(Plain):
        def __init__(self, path):
            super().__init__(path)
            self.fails = path.random() < 0.5

        def on_loss(self, loss):
            if self.fails:
                raise RuntimeError("tails")
            super().on_loss(loss)

    with pytest.warns(testbed.TrialWarning, match=r"RuntimeError: tails"):
        results = testbed.run(scenario, set={"tcp.congestion": ["sometimes", "reno"]}, trials=8)
    counts = results.trials["tcp.congestion"].value_counts()
    assert counts["reno"] == 8 and 0 < counts["sometimes"] < 8
    assert len(results.failed) == 8 - counts["sometimes"]


STUBBORN = "while True:\n            try: time.sleep(0.001)\n            except Exception: pass"


@pytest.mark.parametrize("body", ["while True: pass", STUBBORN])
def test_a_call_without_end_ends_its_trial(scenario, body):
    space = {"Plain": Plain, "time": time}
    text = f"class Endless(Plain):\n    call_limit_s = 0.3\n    def on_loss(self, loss):\n        {body}\n"
    exec(compile(text, "endless.py", "exec"), space)
    testbed.controller("endless")(space["Endless"])
    started = time.monotonic()
    with pytest.raises(testbed.TestbedError, match=r"endless\.py, line \d+, in on_loss: on_loss took more than 0\.3 s"):
        testbed.run(scenario, set={"tcp.congestion": "endless"}, trials=2)
    assert time.monotonic() - started < 5


def test_a_class_that_is_no_controller_is_refused():
    with pytest.raises(TypeError, match="no method on_timeout"):
        testbed.controller("bare")(type("Bare", (), {"on_ack": len, "on_loss": len}))
    with pytest.raises(ValueError, match='two congestion controllers "reno"'):
        testbed.controller("reno")(Plain)
    with pytest.raises(ValueError, match="letters"):
        testbed.controller("my cc")(Plain)
    with pytest.raises(TypeError, match="before a class"):
        testbed.controller(3)


def test_a_class_that_is_defined_again_takes_the_place_of_the_first(scenario):
    def goodput():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return testbed.run(scenario, set={"tcp.congestion": "plain"}).trials["goodput_mbit"].mean()

    testbed.controller(Plain)
    before = goodput()
    testbed.controller("plain")(type("Plain", (Plain,), {"on_loss": lambda self, loss: None}))
    assert goodput() > before


def test_a_pacing_rate_bounds_what_is_sent(scenario):
    @testbed.controller("paced")
    class Paced(Plain):
        pacing_rate = 1e6

        def on_loss(self, loss):
            pass

    goodput = testbed.run(scenario, set={"tcp.congestion": "paced"}).trials["goodput_mbit"]
    assert ((0.8 < goodput) & (goodput < 1.0)).all()


BUSY = """
duration = "60s"
[link.wire]
rate = "1gbit"
delay = "20ms"
queue = "1bdp"
[[clients]]
name = "other"
count = 20
path = ["wire"]
app = { kind = "bulk" }
[[clients]]
name = "late"
path = ["wire"]
start = "59s"
app = { kind = "bulk" }
tcp = { congestion = "rare" }
"""


def test_other_threads_have_their_turns_where_no_python_runs():
    testbed.controller("rare")(Plain)
    gaps, is_over = [], threading.Event()

    def tick():
        last = time.monotonic()
        while not is_over.is_set():
            time.sleep(0.005)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    ticking = threading.Thread(target=tick)
    ticking.start()
    started = time.monotonic()
    testbed.run(BUSY, trials=1)
    took = time.monotonic() - started
    is_over.set()
    ticking.join()
    assert max(gaps) < 0.3 * took, (took, max(gaps))
