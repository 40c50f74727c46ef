"""Algorithms of the group Heavy metals."""
