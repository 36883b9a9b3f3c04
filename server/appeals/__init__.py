"""Appeals: every refusal can be contested once, before another person."""
