"""Ready graphical models."""
