"""WeChat, played on this machine: its routes for both accounts, its events, and levers to set them going."""
