"""How KV Storage is built, deployed and run locally. Nothing here reaches Lambda."""
