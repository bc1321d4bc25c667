"""Mirrors of the curves."""
