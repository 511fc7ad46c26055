"""These faces need no window: the terminal and the JSON lines."""
