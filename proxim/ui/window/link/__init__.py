"""A link's page: texts, and what sends."""
