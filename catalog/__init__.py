"""The catalog room: everything that is sold (retailers, products, images), and nothing about vision."""
