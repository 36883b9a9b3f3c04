"""What is kept of a person: given out, restricted, erased when its time has come."""
