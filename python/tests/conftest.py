"""Parts that the tests share."""

import signal

import pytest

# A shell's job in the background ignores Ctrl-C, and so would all that it begins.
signal.signal(signal.SIGINT, signal.default_int_handler)

SCENARIO = """
duration = "10s"
trials = 3
[link.wire]
rate = "5mbit"
delay = "20ms"
queue = "1bdp"
loss = "1%"
[[clients]]
name = "upload"
path = ["wire"]
app = { kind = "bulk" }
"""


@pytest.fixture
def scenario():
    """An upload that loses one packet in a hundred."""
    return SCENARIO


@pytest.fixture
def file(tmp_path):
    """The same as a file, in a folder of its own."""
    path = tmp_path / "upload.toml"
    path.write_text(SCENARIO)
    return path
