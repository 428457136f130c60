"""The emulated lab as a process: clock, random streams, fault schedule, control."""
