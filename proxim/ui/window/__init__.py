"""The Tk window."""
