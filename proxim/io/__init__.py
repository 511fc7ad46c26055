"""First floor, left: asyncio.

Carries out the machines' commands and reports what happened as events.
"""
