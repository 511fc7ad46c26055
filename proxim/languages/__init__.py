"""What people read, a file a language; core/errors.py has the English sentences.

Data only, nothing else.
"""
