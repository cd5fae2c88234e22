"""How good searches are: benchmarks read, their catalogs indexed aside, their queries asked, the answers counted."""
