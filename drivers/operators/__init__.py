"""Operators: people who do by hand what no wire can."""
