"""First floor, left: asyncio. Carries out the machines' commands and reports what happened as events.

Must never be here: decisions (they are core's) and anything that a person sees (that is ui's).
"""
