"""Decides which devices know each other, and what one that is known may do."""
