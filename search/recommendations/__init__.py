"""What else a shopper may like, from stored vectors and counts: look-alikes, alternatives, and what goes with it."""
