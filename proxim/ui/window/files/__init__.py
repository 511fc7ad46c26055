"""Transfers in the window: their rows, and the question about incoming files."""
