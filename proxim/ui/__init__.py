"""First floor, right: what people see.

Tk and terminal; no asyncio, no threads, no truth of its own.

A face renders the newest status of each thing (core/status.py) and posts intents (core/events.py).
Nothing is imported here: each face loads only what it shows.
"""
