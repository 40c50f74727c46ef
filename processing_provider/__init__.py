"""The toolbox: Processing algorithms that call the engine."""
