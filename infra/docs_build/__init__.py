"""Documents that are written from the code, and kept in the repository for those who read it there."""
