"""What usage is and the rules it obeys, without any store."""
