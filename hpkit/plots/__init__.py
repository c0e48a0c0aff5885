"""Still charts (matplotlib): each takes a result and `ax=None`, gives the Axes."""
