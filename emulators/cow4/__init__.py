"""COW-4 physics: profiles, rates, secret fraction, and what a record window holds."""
