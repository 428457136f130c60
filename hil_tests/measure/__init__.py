"""Measure in a run record what a limit asks for; never judge."""
