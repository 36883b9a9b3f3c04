"""Enrolments: the receiving school's registered records of its students."""
