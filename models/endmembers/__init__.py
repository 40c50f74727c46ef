"""Endmember extraction from hyperspectral scenes."""
