"""The compiled loops: numpy arrays in place, no torch. Models run on them, and readers replay with them."""
