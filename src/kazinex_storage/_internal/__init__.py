"""What only this package imports."""
