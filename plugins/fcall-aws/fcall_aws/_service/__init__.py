"""Lambda from the service's side: what it takes, what it answers. The test endpoint and ``fcall serve`` are made of it."""
