"""Runs and result folders."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import testbed


def test_a_run_gives_the_tables_of_its_folder(scenario, tmp_path):
    results = testbed.run(scenario, set={"tcp.congestion": ["reno", "cubic"]}, trials=2, out=tmp_path / "out")
    assert list(results.trials["tcp.congestion"]) == ["reno", "reno", "cubic", "cubic"]
    assert len(results.summary) == 2 and len(results.flows) == 4 and len(results.links) == 8
    assert set(results.groups["group"]) == {"upload"}
    assert results.series(cell=1, trial=0)["cwnd_bytes"].max() > 10_000
    assert any("retransmit" in event for event in results.series(of="events")["event"])
    assert results.verdict and all(sentence.endswith(".") for sentence in results.verdict)
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert results.manifest["trials"] == 2


def test_the_same_seed_gives_the_same_bytes(scenario, tmp_path):
    for name, jobs in (("a", 1), ("b", 2)):
        testbed.run(scenario, seed=7, jobs=jobs, out=tmp_path / name)
    for table in ("summary.csv", "flows.csv", "series/0/trial-0/flows.csv"):
        assert (tmp_path / "a" / table).read_bytes() == (tmp_path / "b" / table).read_bytes()


def test_a_temporary_folder_goes_with_its_results(scenario):
    results = testbed.run(scenario, trials=1)
    folder = results.dir
    assert folder.is_dir()
    del results
    assert not folder.exists()


def test_a_folder_that_is_loaded_says_what_its_run_said_and_stays_as_it_is(scenario, tmp_path):
    ran = testbed.run(scenario, out=tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    loaded = testbed.load(tmp_path / "out")
    assert (loaded.verdict, loaded.warnings, repr(loaded)) == (ran.verdict, ran.warnings, repr(ran))
    assert loaded.trials.equals(ran.trials)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
    with pytest.raises(testbed.TestbedError, match="nowhere"):
        testbed.load(tmp_path / "nowhere")


def test_a_file_that_is_not_there_is_named_with_those_that_are(scenario):
    results = testbed.run(scenario, trials=1)
    with pytest.raises(FileNotFoundError, match=r"series/5/trial-0/flows\.csv"):
        results.series(cell=5)
    with pytest.raises(ValueError, match="write"):
        results.series(of="hosts")


def test_a_figure_is_shown_as_svg(scenario, tmp_path):
    results = testbed.run(scenario, set={"tcp.congestion": ["reno", "cubic"]}, trials=1)
    picture = results.plot("four-panel", cells=1)
    assert picture._repr_svg_().startswith("<svg") and picture.svg.rstrip().endswith("</svg>")
    assert results.plot("four-panel", cells=0).svg != picture.svg
    picture.save(tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(testbed.TestbedError, match="four-panel"):
        results.plot("five-panel")


def test_folders_are_compared_in_pairs_and_side_by_side(scenario):
    reno, cubic = (testbed.run(scenario, set={"tcp.congestion": name}) for name in ("reno", "cubic"))
    assert len(reno.compare(cubic)) == 2
    paired = reno.compare(cubic, paired="scenario")
    assert len(paired) >= 1 and len(paired.columns) > 5


def test_latencies_have_a_histogram(scenario):
    people = '[[clients]]\nname = "people"\ncount = 3\npath = ["wire"]\napp = { kind = "chat", rate = "5/s" }\n'
    histogram = testbed.run(scenario + people, trials=1).histogram(0)
    assert list(histogram.columns) == ["latency_ms", "share", "count"]
    assert histogram["share"].is_monotonic_increasing and histogram["share"].iloc[-1] == 1.0
    # One way and back at least: a message passes both.
    assert histogram["latency_ms"].iloc[0] >= 40


def test_mistakes_are_shown_with_their_caret(scenario, file):
    with pytest.raises(testbed.ScenarioError, match="did you mean `delay`") as caught:
        testbed.run(scenario.replace("delay", "dellay"))
    error = caught.value
    assert (error.line, error.column, error.file) == (6, 1, "scenario.toml")
    assert "──────" in str(error)
    with pytest.raises(testbed.ScenarioError) as caught:
        testbed.run(file, set={"link.wire.lose": "1%"})
    assert (caught.value.line, caught.value.file) == (1, "--set")
    with pytest.raises(testbed.ScenarioError, match="no file"):
        testbed.run(file.with_name("other.toml"))


def test_values_are_those_of_the_command_line(scenario):
    results = testbed.run(
        scenario,
        set={"link.wire.loss": ["0%", "2%"], "tcp.sack": False, "clients.upload.app": {"kind": "bulk"}},
        trials=1,
    )
    assert len(results.trials) == 2
    with pytest.raises(ValueError, match="from 1 to 1024"):
        testbed.run(scenario, jobs=0)
    with pytest.raises(ValueError, match="at least 1 byte"):
        testbed.run(scenario, memory=0)
    with pytest.raises(testbed.TestbedError, match="help: .*memory=") as refused:
        testbed.run(scenario, memory=1000)
    assert "--" not in str(refused.value)
    with pytest.raises(TypeError, match="no value"):
        testbed.run(scenario, set={"tcp.mss": None})


def test_results_are_not_overwritten_unless_that_is_said(scenario, tmp_path):
    sets = {"link.wire.loss": ["0%", "1%"]}
    testbed.run(scenario, set=sets, out=tmp_path / "out")
    with pytest.raises(testbed.TestbedError, match="out=.*force=True") as refused:
        testbed.run(scenario, trials=1, out=tmp_path / "out")
    assert "--force" not in str(refused.value) and "--resume" not in str(refused.value)
    assert len(testbed.run(scenario, trials=1, out=tmp_path / "out", force=True).trials) == 1


def test_progress_is_told_and_other_threads_go_on(scenario, monkeypatch):
    told = []
    monkeypatch.setattr("testbed._progress.shown", lambda progress: lambda *news: told.append(news))
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    testbed.run(scenario, set={"duration": "300s"}, trials=4)
    stop.set()
    thread.join()
    assert told[-1] == (4, 4) and told == sorted(told)
    assert counted[0] > 10


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ctrl_c_ends_a_run_within_a_second(scenario):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        testbed.run(scenario, set={"duration": "10000s", "link.wire.rate": "1gbit"}, trials=50)
    assert time.monotonic() - started < 1.5


def test_a_notebook_shows_the_table_and_the_sentences(scenario):
    shown = testbed.run(scenario, trials=2)._repr_html_()
    assert "<pre>" in shown and "goodput" in shown and "<p>" in shown


def test_the_stubs_name_what_the_module_has():
    stubs = (Path(testbed.__file__).with_name("_testbed.pyi")).read_text()
    names = [name for name in dir(testbed._testbed) if not name.startswith("__")]
    assert all(f"class {name}" in stubs or f"def {name}(" in stubs for name in names), names


def test_cells_are_found_by_number_where_there_are_more_than_ten(scenario):
    losses = [f"{n}%" for n in range(11)]
    chat = '{ kind = "chat", rate = "5/s" }'
    sets = {"duration": "5s", "link.wire.loss": losses, "clients.upload.app": chat, "clients.upload.count": 3}
    results = testbed.run(scenario, set=sets, trials=1)
    for cell in (0, 3, 10):
        assert len(results.series(cell)) > 10
        assert results.histogram(cell)["count"].max() > 0
    with pytest.raises(FileNotFoundError, match="no series"):
        results.series(11)
