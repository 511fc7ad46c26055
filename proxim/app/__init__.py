"""Starts Proxim and puts its layers together: command line, threads, language, log."""
