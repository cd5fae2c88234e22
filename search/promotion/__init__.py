"""From one space to the next: both compared, the better one put in its place, and the way back."""
