"""First contact with a bench: every device asked who and how it is, and nothing changed."""
