"""Which offers suit a demand, which demands an offer, how well and why; and whose kept searches a posting answers."""
