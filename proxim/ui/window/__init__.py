"""The face with a Tk window."""
