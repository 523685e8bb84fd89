"""Network layers that models share."""
