"""Performance, measured as ratios: what we do beside the least that could be done instead."""
