"""What people read, one file a language; core/errors.py has the English sentences. Data only; nothing else belongs here."""
