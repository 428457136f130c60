"""The run record: what a run leaves, where it comes from, and the ways to find, read and export it."""
