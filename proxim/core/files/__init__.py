"""Decides about transfers: what is announced, accepted, sent, received and resumed."""
