"""Reads what a guest does with mouse and keyboard, and what may become of it."""
