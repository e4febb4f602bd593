"""SharePoint Online over Microsoft Graph."""
