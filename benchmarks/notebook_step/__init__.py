"""What it costs to run a ten-cell notebook as a step and keep its executed notebook."""
