"""What the controller shows of itself: metrics, logs, health."""
