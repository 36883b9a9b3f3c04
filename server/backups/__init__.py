"""Backups: the database, the files and a manifest in one folder, and back again."""
