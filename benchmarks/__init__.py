"""What the package costs, measured in one run: ``python -m benchmarks``, or ``make bench``."""
