"""How fast eslab is, as ratios: beside another library and beside loops written by hand, in the same run."""
