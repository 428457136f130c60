"""OTDR drivers, and the interlock that keeps their light from live receivers."""
