"""`manage.py` commands: index_catalog, rebuild_index, index_status, search_photo."""
