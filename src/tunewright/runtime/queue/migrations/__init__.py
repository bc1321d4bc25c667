"""The history of the queue's tables, one file a change."""
