"""People who sign in through WeChat, and their sessions."""
