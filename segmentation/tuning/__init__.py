"""Searches settings of training within given ranges: short runs on few photos, the bad ones ended early."""
