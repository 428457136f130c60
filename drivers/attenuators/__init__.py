"""Drivers of optical attenuators."""
