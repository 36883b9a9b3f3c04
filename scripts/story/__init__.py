"""One entry year as it happens, over real HTTP: `python -m scripts.story`, called by scripts/demo.

`plan` says who does what and what must come of it, `stage` is the server with its clock and people, `referring` plays
the chapters on referrals, and `comparing` tells what came otherwise than planned. So for the money that follows:
`spending` says what must come of it, `awarding` and `paying` play it, `payer` is the body that pays, and `reckoning`
compares every award and every fen.
"""
