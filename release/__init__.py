"""What a release needs besides the build: see docs/releasing.md."""
