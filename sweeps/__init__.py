"""Sweeps: procedures, and the record of what they saw."""
