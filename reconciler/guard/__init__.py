"""The guard: what it is to be, whom it would lock out, how it is installed."""
