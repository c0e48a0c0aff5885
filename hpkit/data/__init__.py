"""Data sets: the committed ones, and ones made from a learner's own table."""
