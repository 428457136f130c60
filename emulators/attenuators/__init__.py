"""Emulated optical attenuators."""
