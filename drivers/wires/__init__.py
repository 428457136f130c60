"""Wires: one file per transport, with deadlines, locks, the byte log and resynchronisation."""
