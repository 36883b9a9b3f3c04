"""What other content and people's forms refer to: regions, groups of majors, occupations."""
