"""HIL tests: they judge run records against acceptance limits and write the acceptance report."""
