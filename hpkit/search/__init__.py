"""Searches over hyperparameters, and what they found."""
