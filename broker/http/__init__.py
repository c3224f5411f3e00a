"""HTTP to hosts that somebody named to us: bounded in time and size, and to nowhere else."""
