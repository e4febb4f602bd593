"""Storage Settings as a service: the HTTP API and the page, to be mounted in a host's own application."""
