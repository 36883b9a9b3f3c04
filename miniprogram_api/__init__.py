"""The HTTP face: one blueprint module per capability."""
