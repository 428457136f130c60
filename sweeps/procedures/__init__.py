"""The procedures: what each does to the station, step by step, and what it needs beforehand."""
