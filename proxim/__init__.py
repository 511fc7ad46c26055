"""Proxim: two devices in one room, one code, one approval, one direct link.

Nothing is imported here: the window must show before anything heavy is loaded.
"""

__version__ = "0.1.0"
