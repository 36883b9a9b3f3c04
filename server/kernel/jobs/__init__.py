"""Work outside requests: rows claimed by lease, run by one small loop."""
