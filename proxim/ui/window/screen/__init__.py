"""Shared screens in the window: questions, the bar, and the window in which a screen is seen."""
