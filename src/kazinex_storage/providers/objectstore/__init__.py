"""What HTTP object stores share; no provider of its own."""
