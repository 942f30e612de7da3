"""A user's own model and data: the study that is written for them, and what is checked before anything is spent."""
