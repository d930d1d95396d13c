"""Types of what passes between components."""
