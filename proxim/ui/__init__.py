"""Shows. What people see: the Tk window, the terminal, JSON lines.

A face renders the newest status of each thing (core/status.py) and posts intents (core/events.py).
Nothing is imported here: each face loads only what it shows.
"""
