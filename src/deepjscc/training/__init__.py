"""Training: recipes, the loop, losses, and the closed-form fit of `linear`."""
