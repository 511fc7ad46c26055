"""Decides about shared screens: who may see one, and what of it is sent."""
