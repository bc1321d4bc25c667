"""The loop: the only place that knows all stages."""
