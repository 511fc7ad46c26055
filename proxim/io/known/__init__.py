"""Keeps known devices on the disk, and finds them in the network."""
