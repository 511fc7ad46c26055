"""The faces without a window: terminal and JSON lines."""
