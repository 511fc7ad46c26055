"""Decides about an open connection: opening, greeting, text, heartbeat, goodbye, lane."""
