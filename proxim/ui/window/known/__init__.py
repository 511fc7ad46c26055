"""The window's known devices: the list, the digits to compare, and each device's settings."""
