"""Official documents, their clauses, and the programmes that follow from them."""
