"""Where ``tdnet`` begins: Ctrl-C is one line from the first moment, before anything is imported.

What belongs here: that moment. What does not: the commands (``main.py``), and Ctrl-C while one of
them works (``interrupts.py``).
"""

import os
import signal
from types import FrameType

from tdnet_assets.cli.exit_codes import INTERRUPTED

LINE = "tdnet: interrupted"


def main() -> None:
    """Run the command line."""
    # In the background, SIGINT may be ignored on purpose.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    from tdnet_assets.cli.main import main as command  # noqa: PLC0415 - 0.1 s of imports

    command()


def leave(number: int, frame: FrameType | None) -> None:
    """End at once, where nothing has been begun yet or everything is done."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(INTERRUPTED)
