"""JSON as text: strict parsing, and edits that keep every other byte."""
