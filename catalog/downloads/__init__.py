"""Everything that is fetched from addresses other people chose: guarded connections, downloads, images of feeds."""
