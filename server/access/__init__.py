"""Who is calling, and what that person may do."""
