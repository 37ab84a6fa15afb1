"""The stand-in for TDnet: days, filings, faults. Local use and tests only; not in the image."""
