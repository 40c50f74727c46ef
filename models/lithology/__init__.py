"""Lithology from many sources: preparation, fusion, classification and assessment of maps."""
