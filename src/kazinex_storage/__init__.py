"""Store documents for organisations, wherever they want them."""
