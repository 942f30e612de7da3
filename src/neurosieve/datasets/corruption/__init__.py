"""Datasets with training rows manipulated on purpose, so that what repairs a model can be measured."""
