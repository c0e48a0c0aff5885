"""Data sets: those of the course, and those made from a user's own table."""
