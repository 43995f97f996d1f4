"""What a scan found, in the forms that people and machines read; knows the words of the model and nothing else."""
