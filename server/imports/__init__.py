"""Lists that come as spreadsheets: read within bounds, worked off as a job, each row with an outcome of its own."""
