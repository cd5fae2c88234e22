"""A trained Mask R-CNN made fast: the same weights and the same answers, without what only training needs."""
