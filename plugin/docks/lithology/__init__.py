"""The dock *Lithology*: class maps looked at, judged and held against each other."""
