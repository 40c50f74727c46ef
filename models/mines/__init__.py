"""Mines and tailings dams over whole countries."""
