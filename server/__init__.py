"""The capabilities of Yizhitong, one package each, over a small kernel."""
