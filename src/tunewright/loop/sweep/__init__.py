"""Sweeps: training runs that differ in some settings, compared on the validation part."""
