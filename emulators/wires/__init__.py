"""The other end of each wire: servers that the emulators answer on."""
