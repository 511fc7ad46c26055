"""Transfers in the window: rows, and the question about what comes."""
