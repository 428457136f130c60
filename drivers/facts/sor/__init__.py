"""The `.sor` file of an OTDR (Telcordia SR-4731): start at `read.read_sor` and `write.write_sor`."""
