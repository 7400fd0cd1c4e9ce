"""Lambda from the service's side: what it takes and answers. The test endpoint and ``fcall serve`` share it."""
