"""Decides. What Proxim knows, without a clock, a socket, a thread or a screen.

Only the standard library is imported here, and none of asyncio, socket, threading, tkinter, time.
"""
