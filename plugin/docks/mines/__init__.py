"""The dock *Mines*: search, review, teach."""
