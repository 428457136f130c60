"""The plant: one optical truth that all emulated gear shares."""
