"""Captures, compresses and injects: the screen of this machine."""
