"""Signaling sockets, the page that browsers load, and the SPAKE2 library."""
