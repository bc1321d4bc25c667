"""Where examples come from: one plug-in a file type."""
