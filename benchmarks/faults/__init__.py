"""Planters of faults: they import nothing from the product and share no phrase list with it."""
