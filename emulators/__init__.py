"""Emulators: they are the gear when there is none, on the same wires."""
