"""What WeChat tells us of its own accord."""
