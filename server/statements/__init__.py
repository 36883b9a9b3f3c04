"""Statements: the awards of one payee, locked, sent to the payer, and settled row by row."""
