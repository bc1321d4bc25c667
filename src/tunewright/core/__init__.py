"""Plain data and pure functions: no files, no clock, no network."""
