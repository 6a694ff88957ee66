"""The local environment: the emulator, Redis, and every stack deployed to them."""
