"""Short-term labour: who needs hands, who offers theirs, and what makes such a post a fair one."""
