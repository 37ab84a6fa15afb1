"""The assets: one module per step of the way from the list to the tables."""
