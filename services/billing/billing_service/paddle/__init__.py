"""Paddle: its API, its events and their signatures."""
