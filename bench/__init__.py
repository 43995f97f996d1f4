"""What `make bench` measures: CPU seconds and peak memory of whole processes, beside a peer or a reference in the same run."""
