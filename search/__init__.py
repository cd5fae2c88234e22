"""The product: a photo is described, its garments are searched, and their products are ranked."""
