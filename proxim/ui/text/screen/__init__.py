"""Shared screens in the terminal and in JSON lines; loaded when there is one."""
