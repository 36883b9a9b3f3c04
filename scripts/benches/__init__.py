"""Measurements of this server against peers: the figures of the design, printed and written, never a failing test."""
