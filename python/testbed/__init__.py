"""A network-emulation testbed: real TCP, lossy links and a chat in one deterministic world.

A scenario is a short TOML text; :func:`run` turns it into tables, pictures and sentences. The result files are the
source of everything that :class:`Results` shows, and the same scenario with the same seed gives the same bytes.

>>> import testbed
>>> results = testbed.run('''
... duration = "10s"
... trials = 3
... [link.wire]
... rate = "5mbit"
... delay = "20ms"
... loss = "1%"
... [[clients]]
... name = "upload"
... path = ["wire"]
... app = { kind = "bulk" }
... ''')
>>> len(results.trials)
3
>>> bool(0 < results.trials["goodput_mbit"].mean() < 5)
True

Congestion controllers are classes: see :func:`controller`. ``testbed.gym`` has an environment for reinforcement
learning.
"""

from ._controllers import Controller, controller
from ._results import Picture, Results, TrialWarning, load, run
from ._testbed import Ack, CallLimit, Loss, Path, ScenarioError, TestbedError

__version__ = "0.2.0"

__all__ = [
    "Ack",
    "CallLimit",
    "Controller",
    "Loss",
    "Path",
    "Picture",
    "Results",
    "ScenarioError",
    "TestbedError",
    "TrialWarning",
    "controller",
    "load",
    "run",
]
