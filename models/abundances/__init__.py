"""Abundances of endmembers: linear unmixing."""
