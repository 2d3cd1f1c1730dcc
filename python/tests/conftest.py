"""Parts that the tests share."""

import pytest

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
