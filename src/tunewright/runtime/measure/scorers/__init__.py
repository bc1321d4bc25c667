"""Built-in scorers, one small package each; the entry point's name is the metric's name."""
