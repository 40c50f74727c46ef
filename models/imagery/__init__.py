"""Images before analysis: finding, calibrating, orthorectifying, composing."""
