"""What people consented to, in which words."""
