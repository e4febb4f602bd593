"""Strict stand-ins for services that cannot be run here: they enforce what the services document and others let pass."""
