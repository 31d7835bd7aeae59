"""What is remembered between runs: the server's answers, sightings of drift, the inventory."""
