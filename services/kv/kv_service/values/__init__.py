"""Values: what is kept under a key, the changes it can go through, and how requests ask for them."""
