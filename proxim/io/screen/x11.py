"""The screen of an X11 server: its monitors, what changes on it, and its pixels.

The pixels are copied by the server into memory that both share (MIT-SHM), so a whole screen takes a
millisecond. What changed is told by DAMAGE, as raw rectangles: the merged ones fell silent under
load.
"""
