"""What works when nobody asks: the worker, its crew, and when they try again."""
