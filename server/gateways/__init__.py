"""What lies outside the process, behind small interfaces of our own."""
