"""Referrals: which school sent which student, and whose claim stands."""
