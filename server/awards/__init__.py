"""Awards: proposed by the rules, decided by people, paid once, and claimed back where they should not have been."""
