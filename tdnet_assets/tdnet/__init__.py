"""Pure reading of what TDnet sends: no I/O, no Dagster, no AWS."""
