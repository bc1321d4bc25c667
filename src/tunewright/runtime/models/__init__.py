"""Base models: the catalogue, and the way from a name to a folder of weights."""
