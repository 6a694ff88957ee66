"""What the services of KV Storage share; it imports none of them."""

VERSION = "0.1.0"
"""The release, as the health routes tell it."""
