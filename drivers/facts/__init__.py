"""Facts: units, inventory models, interface names, message formats. Imports nothing of ours."""
