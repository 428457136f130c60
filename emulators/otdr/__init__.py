"""An emulated OTDR: its receiver, the trace it takes of a path, and its analysis of that trace."""
