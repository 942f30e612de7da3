"""Where rows come from: real, rendered and simulated datasets, and selections of rows to forget."""
