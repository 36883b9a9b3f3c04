"""Full values of personal data, shown for a reason that is kept."""
