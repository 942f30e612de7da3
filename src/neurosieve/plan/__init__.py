"""The plan: what every study's YAML asks for, as nodes with the keys that name them, made before anything runs."""
