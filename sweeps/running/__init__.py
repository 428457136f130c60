"""A run from start to end: bench opened, procedure run, safe state reached, resumed after a break."""
