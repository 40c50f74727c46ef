"""The demonstration: a simulated mining district, mapped through the toolbox without a screen."""
