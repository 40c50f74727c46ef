"""What all neural networks share."""
