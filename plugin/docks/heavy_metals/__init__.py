"""The dock of heavy metals: how good a model is, where its map is high, what goes together."""
