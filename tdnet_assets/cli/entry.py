"""Where ``tdnet`` begins: Ctrl-C is one line from the first moment, before click is imported.

What belongs here: that moment. What does not: the commands (``main.py``), and Ctrl-C while one of
them works (``interrupts.py``).
"""

import signal

from tdnet_assets.cli.interrupts import leave


def main() -> None:
    """Run the command line."""
    # In the background, SIGINT may be ignored on purpose.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    from tdnet_assets.cli.main import main as command  # noqa: PLC0415 - 0.1 s of imports

    command()
