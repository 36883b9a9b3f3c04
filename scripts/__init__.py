"""What people run by hand; a package so that tests can import the benches."""
