"""Strict stand-ins for services that cannot be run here: they enforce what is documented and others ignore."""
