"""The heavy part of the parity proof."""
