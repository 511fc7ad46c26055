"""What people see: the Tk window, the terminal and JSON lines.

A face shows the newest status of each thing (core/status.py) and posts intents (core/events.py).
Nothing is imported here, so each face loads only what it shows.
"""
