"""The acceptance report: figures, tables and page."""
