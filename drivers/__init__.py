"""Drivers: they talk to the gear. `roles` says what a station needs, `facts` what is known of interfaces."""
