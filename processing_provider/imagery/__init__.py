"""Algorithms of the group Images."""
