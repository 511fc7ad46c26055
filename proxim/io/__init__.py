"""The layer that acts: sockets, WebRTC, disks and this machine, on one asyncio thread.

It carries out the machines' commands and reports what happened as events.
"""
