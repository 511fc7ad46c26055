"""Acts. Sockets, WebRTC, disks and this machine, on one asyncio thread.

Carries out the machines' commands and reports what happened as events.
"""
