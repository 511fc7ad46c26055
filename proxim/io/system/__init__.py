"""This machine: addresses, firewall, settings, other programs."""
