"""Who calls the API, and what that opens: keys, tenants, rights."""
