"""Simulated data and the demonstration."""
