"""The command that the package installs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import testbed

COMMAND = [sys.executable, "-m", "testbed"]

CONTROLLER = """
class Aimd:
    def __init__(self, path, add=1):
        self.mss, self.cwnd, self.add = path.mss, path.initial_window, add

    def on_ack(self, ack):
        if ack.may_grow:
            self.cwnd += self.add * self.mss * ack.bytes / self.cwnd

    def on_loss(self, loss):
        self.cwnd = max(self.cwnd / 2, 2 * self.mss)

    def on_timeout(self, loss):
        self.cwnd = self.mss
"""


def run(*words, cwd):
    return subprocess.run([*COMMAND, *words], cwd=cwd, capture_output=True, text=True, timeout=120)


def test_it_runs_a_scenario_and_passes_exit_codes_on(file):
    done = run("run", file.name, "--no-plots", cwd=file.parent)
    assert done.returncode == 0 and "goodput" in done.stdout, done
    assert (file.parent / "results" / "upload" / "trials.csv").is_file()
    assert run("run", "none.toml", cwd=file.parent).returncode == 2
    assert run("--version", cwd=file.parent).stdout.startswith("testbed ")
    file.write_text(file.read_text() + '[[claim]]\nfigure = "goodput_mbit"\nat_least = 100\n')
    assert run("run", file.name, "--no-plots", "--out", "claim", cwd=file.parent).returncode == 99


def test_a_controller_in_a_file_is_used_by_its_name_and_is_part_of_the_record(file):
    (file.parent / "my_cc.py").write_text(CONTROLLER)
    word = "tcp.congestion=python:my_cc.py:Aimd"
    done = run("run", file.name, "--no-plots", "--set", word, "--out", "out", cwd=file.parent)
    assert done.returncode == 0, done.stderr
    verified = run("verify", "out", cwd=file.parent)
    assert verified.returncode == 0, verified
    # After an edit it is another run.
    (file.parent / "my_cc.py").write_text(CONTROLLER.replace("/ 2", "/ 4"))
    assert "another file" in run("verify", "out", cwd=file.parent).stdout


def test_a_controller_in_a_file_is_not_for_real_time(file):
    (file.parent / "my_cc.py").write_text(CONTROLLER)
    word = "tcp.congestion=python:my_cc.py:Aimd"
    refused = run("run", file.name, "--live", "--set", word, cwd=file.parent)
    assert refused.returncode == 2 and "real time" in refused.stderr, refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("class Aimd", "class Other"), "there is no class Aimd in my_cc.py"),
        (("def on_loss", "def on_los"), "class Aimd has no method on_loss"),
        (("class Aimd:", "class Aimd"), "my_cc.py, line 2"),
    ],
)
def test_a_script_that_is_no_controller_is_refused_at_its_place(file, change, said):
    (file.parent / "my_cc.py").write_text(CONTROLLER.replace(*change))
    done = run("check", file.name, "--set", "tcp.congestion=python:my_cc.py:Aimd", cwd=file.parent)
    words = " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == 2 and said in words and "_controllers.py" not in words, done.stderr


def test_a_script_that_is_not_there_is_said(file):
    done = run("check", file.name, "--set", "tcp.congestion=python:none.py:Aimd", cwd=file.parent)
    assert done.returncode == 2 and "there is no file none.py" in done.stderr, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("body", ["pass", "while True: pass"])
def test_ctrl_c_ends_it_within_a_second(file, body):
    (file.parent / "my_cc.py").write_text(CONTROLLER.replace("self.cwnd = max(self.cwnd / 2, 2 * self.mss)", body))
    words = ["--set", "tcp.congestion=python:my_cc.py:Aimd", "--set", "duration=100000s"]
    process = subprocess.Popen(
        [*COMMAND, "run", file.name, "--no-plots", *words], cwd=file.parent, stderr=subprocess.PIPE
    )
    time.sleep(2.5)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    process.communicate(timeout=10)
    assert process.returncode == 130 and time.monotonic() - sent < 1.5


def test_the_command_is_installed_beside_the_interpreter():
    assert any(Path(sys.executable).parent.glob("testbed*"))


def test_each_scenario_has_the_controller_of_its_own_folder(file):
    """Two files of one name in one run are two controllers: a window of one segment, and of a hundred."""
    folder = file.parent
    text = file.read_text() + '[tcp]\ncongestion = "python:cc.py:Still"\n'
    for name, segments in (("few", 1), ("many", 100)):
        (folder / name).mkdir()
        (folder / name / f"{name}.toml").write_text(text.replace("trials = 3", "trials = 1"))
        (folder / name / "cc.py").write_text(STILL.format(segments=segments))
    done = run("run", "few/few.toml", "many/many.toml", "--no-plots", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    goodput = {name: testbed.load(folder / "out" / name).trials["goodput_mbit"].mean() for name in ("few", "many")}
    assert goodput["few"] < 0.4 and goodput["many"] > 2


STILL = """
class Still:
    def __init__(self, path):
        self.cwnd = {segments} * path.mss

    def on_ack(self, ack):
        pass

    def on_loss(self, loss):
        pass

    def on_timeout(self, loss):
        pass
"""


def test_a_script_that_does_not_end_can_be_interrupted(file):
    (file.parent / "endless.py").write_text("while True:\n    pass\n")
    call = f"import testbed; testbed.run({file.name!r}, set={{'tcp.congestion': 'python:endless.py:Cc'}})"
    running = subprocess.Popen([sys.executable, "-c", call], cwd=file.parent, stderr=subprocess.PIPE, text=True)
    time.sleep(3)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)
    assert "KeyboardInterrupt" in said


@pytest.mark.parametrize("command", [["serve"], ["proxy", "127.0.0.1:0", "127.0.0.1:9"]])
def test_no_script_runs_in_real_time(file, command):
    (file.parent / "my_cc.py").write_text(CONTROLLER)
    file.write_text(file.read_text() + '[tcp]\ncongestion = "python:my_cc.py:Aimd"\n')
    done = run(*command, "--scenario", file.name, cwd=file.parent)
    assert done.returncode == 2 and "do not run in real time" in done.stderr, done
