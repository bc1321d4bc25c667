"""Scripts that run a peer, or us, on the same task; each is started as a process of its own."""
