"""The vector index: unit vectors in, the most alike ids out. Pure Python: no Django here.

`base` says what an index promises; `registry` opens one by URL; everything else is one keeper's inside.
"""
