"""The heavy part of training: the loop, its batches, networks and checkpoints."""
