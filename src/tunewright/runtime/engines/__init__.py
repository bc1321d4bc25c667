"""Engines: what answers requests, one package each behind a light options class."""
