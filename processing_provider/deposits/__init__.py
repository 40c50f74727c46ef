"""Algorithms of the group Mineral deposits."""
