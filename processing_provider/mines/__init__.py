"""Algorithms of the group Mines and tailings dams."""
