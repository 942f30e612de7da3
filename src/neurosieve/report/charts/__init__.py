"""Charts: Vega-Lite specs made with Altair, each with the numbers behind it as a table.

Colours are CSS variables, so one drawing serves light, dark and print; the theme is written once per page.
"""
