"""Figures of the running program beside a bare equivalent; see README.md.

Nothing in `proxim` may import this package.
"""
