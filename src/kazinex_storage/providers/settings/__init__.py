"""What the settings of several providers share: fields, environment, Entra, causes of network errors."""
