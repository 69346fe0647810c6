"""What one would use without a foundation model: high-level variables and boosted trees."""
