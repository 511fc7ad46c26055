"""Known devices in the terminal, as JSON lines, and in `proxim devices`."""
