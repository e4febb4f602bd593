"""One module or folder for each kind of storage service; the registry names them, nobody else imports them."""
