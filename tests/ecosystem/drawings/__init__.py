"""An application of Django with one model that has a file."""
