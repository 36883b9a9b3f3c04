"""Where the money comes from: funds, the papers that make them payable, their yearly budgets, and the ledger."""
