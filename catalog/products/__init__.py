"""Products written one by one or in bulk, with their images; a feed's rows go by `catalog.services`."""
