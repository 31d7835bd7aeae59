"""What others saw: who sent the requests that changed objects."""
