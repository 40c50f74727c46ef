"""Scenes and spectral libraries compared and brought onto each other's bands."""
