"""Places on a demand: applied for, offered, filled, worked and paid; and what fits what."""
