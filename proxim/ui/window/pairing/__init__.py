"""The panels and dialogs of pairing: invitation, joining, approval, steps."""
