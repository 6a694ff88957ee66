"""Transfers: a namespace's values written to a file, or taken from one, by jobs that may die anywhere and go on."""
