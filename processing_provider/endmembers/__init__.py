"""Algorithms of the group Endmembers and abundances."""
