"""Figures with the command that repeats them: `python -m benchmarks.NAME`."""
