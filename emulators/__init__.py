"""Emulators: they answer in the place of gear, byte for byte."""
