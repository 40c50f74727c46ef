"""Algorithms of the group Laboratory soil spectra."""
