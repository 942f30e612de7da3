"""Views: what people look at, derived from plans and store: the page, links, tables, and answers in the terminal."""
