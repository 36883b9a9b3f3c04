"""Who hears of what: the inbox, pushes through WeChat, the permissions they use up, and broadcasts."""
