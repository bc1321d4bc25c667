"""Changes of the tables, each naming the one before."""
