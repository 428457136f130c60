"""Sweeps: procedures that run on a station and leave a run record."""
