"""Real servers for the tests: PostgreSQL, Redis, and our own in a process of its own."""
