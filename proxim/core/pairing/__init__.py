"""Decides who is let in: messages, codes, proofs, sessions, requests."""
