"""The embedded default: an AWS and a sample TDnet site on this machine."""
