"""One module or folder for each kind of storage service; only the registry names and imports them."""
