"""Speaks with this desktop: its notifications, other programs of the same person, file manager."""
