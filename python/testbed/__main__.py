"""The command line of the testbed: ``testbed``, or ``python -m testbed``."""

import signal
import sys

from ._testbed import _command


def main() -> None:
    """Runs the command line with the arguments of this process, and ends with its exit code."""
    # A command that waits for Ctrl-C says so itself; any other ends at once, as a program without Python would.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    sys.exit(_command([sys.executable, "-m", "testbed"], ["testbed", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
