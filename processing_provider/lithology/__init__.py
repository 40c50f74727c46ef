"""Algorithms that map lithology from many sources."""
