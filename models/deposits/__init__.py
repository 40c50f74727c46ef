"""Mineral deposits in Landsat scenes."""
