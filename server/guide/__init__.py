"""The yearly guide: articles and leaflets, whose figures come from the programmes."""
