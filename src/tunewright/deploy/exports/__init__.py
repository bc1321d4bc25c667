"""Forms that a checkpoint is packed in."""
