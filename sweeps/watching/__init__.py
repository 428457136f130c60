"""Watching a run while it goes on or after it has ended, in the terminal or on a page; never touching it."""
