"""The report: its figures gathered, written as text, charts and pictures, and two of them compared."""
