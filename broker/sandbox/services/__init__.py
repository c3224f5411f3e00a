"""What AWS's services hold and check where moto holds or checks something else."""
