"""Tests of everything; a package of its own, for a library that is tested with brings one of this name."""
